"""Rows of Operations by their names, as an operator reads them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.operator_access import CannotAsk, asking

_KEYS_A_REQUEST = 100
_ATTEMPTS = 8
_PAUSE_SECONDS = 0.1


class OperationsReading:
    """By BatchGetItem, at half the price of strong consistency. `CannotAsk` where DynamoDB does not answer."""

    def __init__(self, dynamodb: Any, operations: str) -> None:
        self._dynamodb = dynamodb
        self._table = operations

    def rows(self, names: Sequence[str], attributes: Sequence[str] = ()) -> dict[str, Mapping[str, Any]]:
        """By name, in the order of the names; whole, or of each these attributes alone."""
        found: dict[str, Mapping[str, Any]] = {}
        for at in range(0, len(names), _KEYS_A_REQUEST):
            keys = [{"operation_id": {"S": name}} for name in names[at : at + _KEYS_A_REQUEST]]
            found |= {row["operation_id"]: row for row in self._batch({"Keys": keys, **_projection(attributes)})}
        return {name: found[name] for name in names if name in found}

    def _batch(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        pending: Any = {self._table: request}
        found = []
        for attempt in range(_ATTEMPTS):
            with asking(f"the table {self._table}"):
                answer = self._dynamodb.batch_get_item(RequestItems=pending)
            found += [deserialized(item) for item in answer["Responses"].get(self._table, ())]
            pending = answer["UnprocessedKeys"]
            if not pending:
                return found
            time.sleep(_PAUSE_SECONDS * 2**attempt)
        raise CannotAsk(f"the table {self._table} cannot be read: DynamoDB leaves part of a request undone")


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    if not attributes:
        return {}
    names = {f"#{name}": name for name in ("operation_id", *attributes)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
