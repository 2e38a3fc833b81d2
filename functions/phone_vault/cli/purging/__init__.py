"""`phone-vault purge`: what is planned, how far it is, and what came of it."""
