"""Rules as plain Python: no AWS, no input or output, no clock."""
