"""What retention does, for people."""

from collections.abc import Sequence
from datetime import timedelta

from phone_vault.cli.console import Console
from phone_vault.cli.holdings.report import Report
from phone_vault.cli.table import Cell, table
from phone_vault.domain.inventory import Kind
from phone_vault.services.retention_counts import DueCurve, RetentionCounts, Use

_BOUNDS = (1, 7, 30, 90, 365)
"""Days from today on; each column tells of those after the one before it."""
_ANY = "(any)"
_NAMES = {Kind.STORED_NUMBER: "numbers", Kind.MESSAGE_KEY: "message keys"}


def show(report: Report, console: Console) -> None:
    """What falls due, what is kept or gone, what nobody uses; each tenant, and all."""
    counted = [(name, tenant.retention) for name, tenant in sorted(report.status.tenants.items())]
    together = [*counted, ("all", report.retention)] if len(counted) > 1 else counted
    _due(report, together, console)
    _kept(together, console)
    _unused(report, counted, console)


def _due(report: Report, counted: Sequence[tuple[str, RetentionCounts]], console: Console) -> None:
    console.section(
        "Due",
        "When the last purpose of a record ends, in days from today on, as things stand: a use may put it off. Now is "
        "what the next purge destroys. What is held or restricted is not in it.",
    )
    rows: list[list[Cell]] = [
        [name, _NAMES[kind], curve.now, *_curve(report, curve)]
        for name, counts in counted
        for kind, curve in counts.due.items()
        if kind is Kind.STORED_NUMBER or curve.now or curve.by_day or curve.later
    ]
    table(console, ["tenant", "what", "now", *(f"to {bound}" for bound in _BOUNDS), "later"], rows)


def _curve(report: Report, curve: DueCurve) -> list[int]:
    today = report.at.date()
    counts, first = [], today
    for bound in _BOUNDS:
        last = today + timedelta(days=bound)
        counts.append(curve.between(first, last))
        first = last + timedelta(days=1)
    beyond = curve.between(first, first + timedelta(days=_BOUNDS[-1]))
    return [*counts, beyond + curve.later]


def _kept(counted: Sequence[tuple[str, RetentionCounts]], console: Console) -> None:
    console.section(
        "Kept and gone",
        "Stored numbers and message keys. Erasing is what is held and destroyed when the hold goes; a tombstone is the "
        "row that a destroyed key leaves for a while.",
    )
    rows: list[list[Cell]] = [
        [name, *(each.total() for each in (counts.held, counts.restricted, counts.erasing, counts.tombstones))]
        for name, counts in counted
    ]
    table(console, ["tenant", "held", "restricted", "erasing", "tombstones"], rows)


def _unused(report: Report, counted: Sequence[tuple[str, RetentionCounts]], console: Console) -> None:
    console.section(
        "Unused",
        f"Live stored numbers that nobody has revealed for {report.unused_days:,} days, nor stored again: for any "
        "purpose, and by purpose. `phone-vault purge plan --unused-days N` plans to destroy those of any.",
    )
    rows: list[list[Cell]] = []
    for name, counts in counted:
        uses = [(_ANY, counts.use), *sorted(counts.use_by_purpose.items())]
        rows += [
            [
                name,
                purpose,
                use.live,
                use.unused,
                "nobody uses it" if use.unused == use.live and purpose != _ANY else "",
            ]
            for purpose, use in uses
            if use.live
        ]
    table(console, ["tenant", "purpose", "live", "unused", ""], rows)


def _remark(purpose: str, use: Use) -> str:
    return "nobody uses it" if purpose != _ANY and use.unused == use.live else ""
