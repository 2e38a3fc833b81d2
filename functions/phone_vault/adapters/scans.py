"""Which part of a table a scan reads, and what one page of it brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phone_vault.adapters.attribute_values import Row, deserialized, serialized


def of_tenant(key: str) -> str:
    """A condition: that the partition key begins with the tenant's id; `tenant_values` are its values."""
    return f"begins_with({key}, :tenant)"


def tenant_values(tenant_id: str) -> dict[str, str]:
    """With the character that ends the id: no other tenant's begins so."""
    return {":tenant": f"{tenant_id}#"}


@dataclass(frozen=True, slots=True)
class ScanPart:
    """Which rows of a table a scan looks at, and what it brings of them."""

    attributes: tuple[str, ...] = ()
    """None of them: the rows are counted only."""
    segment: int = 0
    segments: int = 1
    page_rows: int | None = None
    """How many rows a page looks at; else 1 MB of them."""
    condition: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    values: Row = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """DynamoDB's words for it."""
        attributes = {f"#{name}": name for name in self.attributes}
        names = attributes | dict(self.names)
        return {
            "Segment": self.segment,
            "TotalSegments": self.segments,
            "Select": "SPECIFIC_ATTRIBUTES" if attributes else "COUNT",
            **({"ProjectionExpression": ", ".join(attributes)} if attributes else {}),
            **({"ExpressionAttributeNames": names} if names else {}),
            **({"ExpressionAttributeValues": serialized(self.values)} if self.values else {}),
            **({"FilterExpression": self.condition} if self.condition else {}),
            **({"Limit": self.page_rows} if self.page_rows else {}),
        }


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Items, and where the next page begins; None after the last."""

    items: Sequence[Mapping[str, Any]]
    """In DynamoDB's typed form: one that does not read must not stop the others."""
    count: int
    next_start: Row | None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All of them as Python values; `TamperedStore` if one does not read."""
        return [deserialized(item) for item in self.items]
