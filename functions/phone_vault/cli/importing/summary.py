"""What an import came to."""

from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.importing.task import Report
from phone_vault.cli.printable import printable


def as_json(report: Report) -> dict[str, Any]:
    """For machines. `created` and `known` together are the rows of the output."""
    counts = report.progress.counts
    return {
        "rows": counts.rows,
        "created": counts.created,
        "known": counts.known,
        "rejected": sum(counts.rejected.values()),
        "reasons": dict(sorted(counts.rejected.items())),
        "formula_like": counts.formula_like,
        "output": str(report.task.output),
        "rejects": str(report.task.rejects),
        "resumed_at_line": report.resumed_at_line,
        "embedded": report.task.place.embedded,
        "rows_now": report.rows_now,
        "seconds": round(report.seconds, 2),
        "rows_per_second": _rate(report),
    }


def show(report: Report, console: Console) -> None:
    """For people."""
    counts = report.progress.counts
    if report.began_anew:
        console.say("The embedded vault of the earlier start is gone with its process: this one began anew.")
    if report.resumed_at_line is not None:
        console.say(f"Continued at line {report.resumed_at_line:,}.")
    reasons = [(f"  {kind}", f"{count:,}") for kind, count in sorted(counts.rejected.items())]
    console.table(
        [
            ("rows", f"{counts.rows:,}"),
            ("new in the vault", f"{counts.created:,}"),
            ("known to the vault", f"{counts.known:,}"),
            ("rejected", f"{sum(counts.rejected.values()):,}"),
            *reasons,
            ("tokens in", printable(report.task.output)),
            ("rejects in", printable(report.task.rejects)),
            ("seconds", f"{report.seconds:.1f}"),
            ("rows a second", f"{_rate(report):,.0f}"),
        ]
    )
    if counts.formula_like:
        console.say()
        console.say(
            f"A spreadsheet takes cells of {counts.formula_like:,} of the rows for formulas. "
            "They are kept as they came: open the output as text."
        )
    if report.task.place.embedded:
        console.say()
        console.say("This was a trial on an embedded vault: name a stack (--stack-name) to keep the numbers.")


def _rate(report: Report) -> float:
    return round(report.rows_now / report.seconds, 1) if report.seconds else 0.0
