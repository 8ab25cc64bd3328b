"""What writes botocore's manual was removed when the layer was built: see build.py."""
