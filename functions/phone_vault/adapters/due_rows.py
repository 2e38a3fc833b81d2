"""All records, as far as an estimate of a purge looks at them."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from phone_vault.adapters.attribute_values import deserialized, text_in
from phone_vault.adapters.operations_reading import OperationsReading
from phone_vault.adapters.operator_access import asking
from phone_vault.adapters.purge_runs import LOW_WATER
from phone_vault.adapters.record_updates import STILL_HAS_ITS_KEY
from phone_vault.adapters.rows import HOLDING_ATTRIBUTES, holding_of, reading
from phone_vault.domain.due_rows import DueRow
from phone_vault.domain.errors import TamperedStore

DUE_ROW_ATTRIBUTES = (*HOLDING_ATTRIBUTES, "due", "index_positions")
"""What `due_row_of` reads of a row."""


def due_rows(dynamodb: Any, record_keys: str) -> Iterator[DueRow]:
    """By Scan, page after page; what does not read is left out. `CannotAsk` where DynamoDB does not answer."""
    names = {f"#{name}": name for name in DUE_ROW_ATTRIBUTES}
    pages = iter(
        dynamodb.get_paginator("scan").paginate(
            TableName=record_keys,
            Select="SPECIFIC_ATTRIBUTES",
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
            FilterExpression=STILL_HAS_ITS_KEY,
        )
    )
    while True:
        with asking(f"the table {record_keys}"):
            page = next(pages, None)
        if page is None:
            return
        for item in page["Items"]:
            try:
                yield due_row_of(deserialized(item))
            except TamperedStore:
                continue


def due_row_of(row: Mapping[str, Any]) -> DueRow:
    """`TamperedStore` for anything that the vault does not write."""
    with reading("a row of RecordKeys"):
        return DueRow(holding_of(row), text_in(row["due"]), len(row.get("index_positions", {})))


def low_water_of(operations: OperationsReading) -> date | None:
    """From which day on the next purge looks; None before the first one has ended."""
    row = operations.rows([LOW_WATER]).get(LOW_WATER)
    with reading("from which day on a purge looks"):
        return date.fromisoformat(text_in(row["first_day"])) if row else None
