"""What all rows of Operations have in common."""

OPERATION_IS_NEW = "attribute_not_exists(operation_id)"
"""No row has the name."""
