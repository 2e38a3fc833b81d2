"""How large a table is, as DynamoDB has last looked; it does so every six hours or so."""

from dataclasses import dataclass
from typing import Any

from phone_vault.adapters.operator_access import asking


@dataclass(frozen=True, slots=True)
class TableSize:
    """Both are of some time ago."""

    items: int
    size_bytes: int


def table_size(dynamodb: Any, table: str) -> TableSize:
    """By DescribeTable."""
    with asking(f"the table {table}"):
        described = dynamodb.describe_table(TableName=table)["Table"]
    return TableSize(described.get("ItemCount", 0), described.get("TableSizeBytes", 0))
