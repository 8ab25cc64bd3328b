"""Sample files: their events, and how each is to end."""
