"""Other AWS services: DescribeContact, dead letters, queues and files."""
