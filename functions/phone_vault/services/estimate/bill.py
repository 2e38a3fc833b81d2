"""What a part of a job asks of AWS."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil

READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
IN_A_TRANSACTION = 2
"""Times as much does a write cost there. Source: DynamoDB Developer Guide, "Read and write operations"."""


def reads(size: float) -> int:
    """Read units of one strongly consistent reading of so many bytes."""
    return max(1, ceil(size / READ_UNIT_BYTES))


def writes(size: float) -> int:
    """Write units of one item of so many bytes."""
    return max(1, ceil(size / WRITE_UNIT_BYTES))


@dataclass(slots=True)
class Bill:
    """Requests by `service:Operation`, units, invocations of functions and transitions of the state machine.

    Counts are whole where rows were looked at, and parts of one where a vault is only supposed.
    """

    requests: Counter[str] = field(default_factory=Counter)
    read_units: float = 0
    write_units: float = 0
    invocations: float = 0
    transitions: float = 0

    def ask(self, request: str, times: float = 1, *, read: float = 0, write: float = 0) -> None:
        """So many requests, each with these units."""
        self.requests[request] += times  # type: ignore[assignment]  # parts of one too
        self.read_units += read * times
        self.write_units += write * times

    def add(self, other: "Bill", times: float = 1) -> None:
        """Another one, so many times."""
        for request, count in other.requests.items():
            self.requests[request] += count * times  # type: ignore[assignment]  # parts of one too
        self.read_units += other.read_units * times
        self.write_units += other.write_units * times
        self.invocations += other.invocations * times
        self.transitions += other.transitions * times

    @classmethod
    def total(cls, bills: Iterable["Bill"]) -> "Bill":
        """Of all of them."""
        total = cls()
        for each in bills:
            total.add(each)
        return total

    @property
    def kms_calls(self) -> float:
        """Those that KMS charges for."""
        return sum(count for request, count in self.requests.items() if request.startswith("kms:"))
