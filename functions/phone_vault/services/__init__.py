"""What the vault does: one verb a file, on ports alone."""
