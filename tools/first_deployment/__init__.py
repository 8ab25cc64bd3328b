"""The first deployment in a real account: deploys, checks what only AWS can show, removes it."""
