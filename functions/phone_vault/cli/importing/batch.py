"""Batches of records, asked for side by side, answered in their order."""

import json
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from phone_vault.cli.importing.journal import Progress
from phone_vault.cli.importing.patient_vault import PatientVault
from phone_vault.cli.importing.records import Record
from phone_vault.cli.importing.rows import Blank, Format, NotARow, Rejected, Row

_MOST_BYTES = 1 << 20
"""Of a batch's records, and of its request: long rows make it shorter, so that memory stays bounded and Lambda, which
takes 6 MB, takes it. What goes beyond is one row's: a record of 1 MiB at most, of which 50 consents are asked for."""

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records, and where the file goes on behind them."""

    rows: list[Row | Blank | Rejected]
    end: int
    next_line: int

    def requests(self, salt: str) -> list[Mapping[str, Any]]:
        """For the rows that can be asked for: each has a name that no row of another import has."""
        return [{**row.request, "idempotency_key": f"{salt}.{row.offset}"} for row in self.rows if isinstance(row, Row)]


def in_batches(file_format: Format, progress: Progress, size: int) -> Iterator[Batch]:
    """From the progress to the end of the file."""
    rows: list[Row | Blank | Rejected] = []
    read = asked = 0
    last: Record | None = None
    for record in file_format.records(progress.offset, progress.line):
        row = _read(file_format, record)
        rows.append(row)
        read += len(record.raw or b"")
        if isinstance(row, Row):
            asked += len(json.dumps(row.request))
        last = record
        if len(rows) == size or max(read, asked) >= _MOST_BYTES:
            yield Batch(rows, record.end, record.next_line)
            rows, read, asked = [], 0, 0
    if rows and last is not None:
        yield Batch(rows, last.end, last.next_line)


def answered(
    waiting: Iterator[Batch], vault: PatientVault, salt: str, concurrency: int
) -> Generator[tuple[Batch, list[Answer]]]:
    """The batches with their answers, in their order; so many are under way at a time."""
    if concurrency == 1:  # without threads, which only cost when there is nothing to wait for
        for batch in waiting:
            yield batch, vault.protect(batch.requests(salt))
        return
    with ThreadPoolExecutor(concurrency) as threads:
        under_way: deque[tuple[Batch, Future[list[Answer]]]] = deque()
        try:
            for batch in waiting:
                under_way.append((batch, threads.submit(vault.protect, batch.requests(salt))))
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


def _read(file_format: Format, record: Record) -> Row | Blank | Rejected:
    try:
        return file_format.row(record)
    except NotARow as fault:
        return Rejected(record.line, "not-a-row", str(fault))
