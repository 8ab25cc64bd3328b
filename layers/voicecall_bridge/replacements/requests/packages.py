"""Names of urllib3 and idna below requests, for old programs. Replaced when the layer was built.

What was here loaded idna, which is needed for names of hosts that are not ASCII alone.
"""
