"""`phone-vault erase` and `hold`: the functions for privacy teams, asked from a terminal."""
