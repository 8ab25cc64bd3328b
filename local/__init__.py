"""The laptop stand: runs what template.yaml deploys, without an AWS account or a Salesforce org."""
