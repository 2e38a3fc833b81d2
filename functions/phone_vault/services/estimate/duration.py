"""How long a Rotation takes: its waits, and about how long AWS takes to answer."""

from dataclasses import dataclass

from phone_vault.services.estimate.bill import Bill
from phone_vault.services.estimate.control import CONTROL
from phone_vault.services.estimate.rotation import Reckoned


@dataclass(frozen=True, slots=True)
class Latencies:
    """Assumed, not measured on AWS: seconds as a function sees them, within a region."""

    dynamodb: float = 0.006
    transaction: float = 0.02
    kms: float = 0.012
    transition: float = 0.05
    invocation: float = 0.03

    def busy_seconds(self, bill: Bill) -> float:
        """Of functions, one after the other."""
        seconds = bill.invocations * self.invocation
        for request, count in bill.requests.items():
            is_transaction = request == "dynamodb:TransactWriteItems"
            of_dynamodb = self.transaction if is_transaction else self.dynamodb
            seconds += count * (self.kms if request.startswith("kms:") else of_dynamodb)
        return seconds


@dataclass(frozen=True, slots=True)
class Duration:
    """In seconds."""

    waiting: float
    working: float
    busy: float
    """Of all functions together: what Lambda charges for."""


def duration_of(reckoned: Reckoned, wait_seconds: float, shards_at_once: int, latencies: Latencies) -> Duration:
    """Shards are worked on side by side, steps one after the other."""
    working = busy = 0.0
    for name, bill in reckoned.steps.items():
        seconds = latencies.busy_seconds(bill)
        busy += seconds
        side_by_side = 1 if name == CONTROL else shards_at_once
        working += (seconds + bill.transitions * latencies.transition) / side_by_side
    return Duration(reckoned.waits * wait_seconds, working, busy)
