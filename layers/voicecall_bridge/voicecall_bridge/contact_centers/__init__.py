"""Which contact centers there are, and which one owns a contact. Pure."""
