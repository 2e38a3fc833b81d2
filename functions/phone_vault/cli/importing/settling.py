"""What an answered batch adds to the files."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from phone_vault.cli.importing.batch import Answer, Batch
from phone_vault.cli.importing.journal import Counts, Progress
from phone_vault.cli.importing.patient_vault import problem_kind, reason_of
from phone_vault.cli.importing.rows import Blank, Format, Rejected, Row


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch adds to the files, and how far the import has come with it."""

    output: bytes
    rejects: bytes
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Imported:
    """A row with its token."""

    line: bytes
    created: bool
    looks_like_formula: bool


def settle(file_format: Format, progress: Progress, batch: Batch, answers: list[Answer]) -> Settled:
    """In the file's order, rejected records and blank lines among the others."""
    output, rejects = bytearray(), bytearray()
    counts = progress.counts
    # A file of no length has not been begun: nothing is committed before what precedes the rows.
    if progress.output_bytes == 0:
        output += file_format.preamble
    if progress.rejects_bytes == 0:
        rejects += file_format.reject_header()
    following = iter(answers)
    for row in batch.rows:
        match _verdict(row, following):
            case Blank(raw):
                output += raw
            case Rejected() as rejected:
                rejects += file_format.reject(rejected)
                counts = _with_rejected(counts, rejected.kind)
            case _Imported() as imported:
                output += imported.line
                counts = _with_imported(counts, imported)
    return Settled(
        bytes(output), bytes(rejects), replace(progress, offset=batch.end, line=batch.next_line, counts=counts)
    )


def _verdict(row: Row | Blank | Rejected, following: Iterator[Answer]) -> Blank | Rejected | _Imported:
    if not isinstance(row, Row):
        return row
    answer = next(following)
    if kind := problem_kind(answer):
        return Rejected(row.line, kind, reason_of(answer))
    line = row.before + answer["token"].encode("ascii") + row.after
    return _Imported(line, answer["created"], row.looks_like_formula)


def _with_rejected(counts: Counts, kind: str) -> Counts:
    rejected = {**counts.rejected, kind: counts.rejected.get(kind, 0) + 1}
    return replace(counts, rows=counts.rows + 1, rejected=rejected)


def _with_imported(counts: Counts, imported: _Imported) -> Counts:
    return replace(
        counts,
        rows=counts.rows + 1,
        created=counts.created + imported.created,
        known=counts.known + (not imported.created),
        formula_like=counts.formula_like + imported.looks_like_formula,
    )
