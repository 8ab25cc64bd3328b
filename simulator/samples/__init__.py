"""Sample files: what they say, and what came of it."""
