"""What else AWS keeps or tells: the secret, the contact as Connect describes it, dead letters."""
