"""`phone-vault import`: existing numbers from a file into the vault, and a file with tokens in their place."""
