"""Changes of one row of RecordKeys, each on the revision that was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phone_vault.adapters.attribute_values import Row, serialized

UNCHANGED_SINCE_READ = "revision = :expected_revision"
STILL_HAS_ITS_KEY = "attribute_exists(wrapped_key)"
MAY_GET_A_KEY = f"{UNCHANGED_SINCE_READ} AND {STILL_HAS_ITS_KEY}"
"""What was erased since it was read gets no key again."""


@dataclass(frozen=True, slots=True)
class Update:
    """What changes in a row, and on which condition."""

    table: str
    key: Row
    changes: Mapping[str, Any]
    """By attribute, or by `attribute.member` where it is a map; what becomes None is removed."""
    condition: str
    values: Row = field(default_factory=dict)
    """The condition's."""

    def parameters(self) -> dict[str, Any]:
        """DynamoDB's words for it."""
        places = {name: ".".join(f"#{step}" for step in name.split(".")) for name in self.changes}
        values = {name: f":{name.replace('.', '_')}" for name in self.changes}
        assigned = ", ".join(
            f"{places[name]} = {values[name]}" for name, new in self.changes.items() if new is not None
        )
        removed = ", ".join(places[name] for name, new in self.changes.items() if new is None)
        return {
            "TableName": self.table,
            "Key": serialized(self.key),
            "UpdateExpression": f"SET {assigned}" + f" REMOVE {removed}" * bool(removed),
            "ConditionExpression": self.condition,
            "ExpressionAttributeNames": {f"#{step}": step for name in self.changes for step in name.split(".")},
            "ExpressionAttributeValues": serialized(
                {**{values[name]: new for name, new in self.changes.items()}, **self.values}
            ),
        }

    def action(self) -> dict[str, Any]:
        """As part of a transaction."""
        return {"Update": self.parameters()}


def record_update(
    table: str, key: Row, revision: int, changes: Mapping[str, Any], condition: str = UNCHANGED_SINCE_READ
) -> Update:
    """The changes, and the next revision, if `revision` is the row's still."""
    return Update(table, key, {**changes, "revision": revision + 1}, condition, {":expected_revision": revision})
