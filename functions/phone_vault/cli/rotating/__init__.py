"""`phone-vault rotate`: what is asked for, how far it is, and what came of it."""
