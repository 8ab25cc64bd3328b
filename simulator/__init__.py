"""The simulator: runs what template.yaml deploys, without an AWS account or a Salesforce org."""
