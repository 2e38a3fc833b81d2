"""State machines and functions of a vault, as commands start and follow them."""
