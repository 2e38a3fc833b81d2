"""What the demonstration took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phone_vault.cli.console import Console
from phone_vault.local.calls import AwsCall


@dataclass(frozen=True, slots=True)
class Counts:
    """Records that were made, and the functions' AWS calls."""

    records: int
    aws_calls: Mapping[str, Mapping[str, int]]
    """By service and operation."""
    kms_calls: int
    seconds: Mapping[str, float]
    """By part, and in total."""


def counts_of(calls: Iterable[AwsCall], records: int, seconds: Mapping[str, float]) -> Counts:
    """The counts."""
    by_service: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for call in calls:
        by_service[call.service][call.operation] += 1
    aws_calls = {service: dict(sorted(operations.items())) for service, operations in sorted(by_service.items())}
    return Counts(records, aws_calls, sum(aws_calls.get("kms", {}).values()), seconds)


def show_counts(console: Console, counts: Counts) -> None:
    """As a table."""
    console.section(
        "Counts",
        "AWS calls as the functions put them on the wire. Keys stay in memory for a bounded time, so KMS is asked a "
        "few times, not once for each number.",
    )
    calls = [
        (f"{service} {operation}", f"{count:,}")
        for service, operations in counts.aws_calls.items()
        for operation, count in operations.items()
    ]
    console.table(
        [
            ("records", f"{counts.records:,}"),
            *calls,
            ("KMS calls in all", f"{counts.kms_calls:,}"),
            *((f"seconds: {part}", f"{seconds:.1f}") for part, seconds in counts.seconds.items()),
        ]
    )
