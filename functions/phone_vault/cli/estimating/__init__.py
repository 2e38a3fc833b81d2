"""`phone-vault estimate`: what is looked at, and what is told of it."""
