"""Batches of records, asked for side by side, settled in their order."""

from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from phone_vault.cli.importing.journal import Counts, Progress
from phone_vault.cli.importing.records import Record
from phone_vault.cli.importing.rows import Blank, Format, NotARow, Rejected, Row
from phone_vault.cli.importing.vault import Batches, problem_kind, reason_of

_MOST_BYTES = 1 << 20
"""Of a batch: long rows make it shorter, so that memory stays bounded."""

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records, and where the file goes on behind them."""

    rows: list[Row | Blank | Rejected]
    end: int
    next_line: int

    def requests(self) -> list[Mapping[str, Any]]:
        """For the rows that can be asked for."""
        return [row.request for row in self.rows if isinstance(row, Row)]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a batch adds to the files, and how far the import has come with it."""

    output: bytes
    rejects: bytes
    progress: Progress


def batches(file_format: Format, progress: Progress, size: int) -> Iterator[Batch]:
    """From the progress to the end of the file."""
    rows: list[Row | Blank | Rejected] = []
    length = 0
    last: Record | None = None
    for record in file_format.records(progress.offset, progress.line):
        rows.append(_read(file_format, record))
        length += len(record.raw or b"")
        last = record
        if len(rows) == size or length >= _MOST_BYTES:
            yield Batch(rows, record.end, record.next_line)
            rows, length = [], 0
    if rows and last is not None:
        yield Batch(rows, last.end, last.next_line)


def answered(waiting: Iterator[Batch], vault: Batches, concurrency: int) -> Generator[tuple[Batch, list[Answer]]]:
    """The batches with their answers, in their order; so many are under way at a time."""
    if concurrency == 1:  # without threads, which only cost when there is nothing to wait for
        for batch in waiting:
            yield batch, _ask(vault, batch)
        return
    with ThreadPoolExecutor(concurrency) as threads:
        under_way: deque[tuple[Batch, Future[list[Answer]]]] = deque()
        try:
            for batch in waiting:
                under_way.append((batch, threads.submit(_ask, vault, batch)))
                if len(under_way) == concurrency:
                    first, answers = under_way.popleft()
                    yield first, answers.result()
            while under_way:
                first, answers = under_way.popleft()
                yield first, answers.result()
        finally:
            vault.stop()
            for _, answers in under_way:
                answers.cancel()


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
            case bytes() as line, created:
                output += line
                counts = replace(
                    counts,
                    rows=counts.rows + 1,
                    created=counts.created + created,
                    known=counts.known + (not created),
                    formula_like=counts.formula_like + (isinstance(row, Row) and row.looks_like_formula),
                )
    return Settled(
        bytes(output), bytes(rejects), replace(progress, offset=batch.end, line=batch.next_line, counts=counts)
    )


def _ask(vault: Batches, batch: Batch) -> list[Answer]:
    requests = batch.requests()
    return vault.protect(requests) if requests else []


def _read(file_format: Format, record: Record) -> Row | Blank | Rejected:
    try:
        return file_format.row(record)
    except NotARow as fault:
        return Rejected(record.line, "not-a-row", str(fault))


def _verdict(row: Row | Blank | Rejected, following: Iterator[Answer]) -> Blank | Rejected | tuple[bytes, bool]:
    if not isinstance(row, Row):
        return row
    answer = next(following)
    if kind := problem_kind(answer):
        return Rejected(row.line, kind, reason_of(answer))
    return row.before + str(answer["token"]).encode("ascii") + row.after, bool(answer["created"])


def _with_rejected(counts: Counts, kind: str) -> Counts:
    rejected = {**counts.rejected, kind: counts.rejected.get(kind, 0) + 1}
    return replace(counts, rows=counts.rows + 1, rejected=rejected)
