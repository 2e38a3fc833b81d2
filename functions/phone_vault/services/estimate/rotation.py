"""A whole Rotation, reckoned: rows are shown to it page by page, and in the end it says what they will take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phone_vault.domain.inventory import Kind
from phone_vault.domain.reckoned_rows import PageRead, ReckonedRow
from phone_vault.domain.rotation import Step
from phone_vault.services.estimate.bill import READ_UNIT_BYTES, Bill
from phone_vault.services.estimate.control import CONTROL, Control
from phone_vault.services.estimate.measures import Machinery, RowSizes
from phone_vault.services.estimate.outlook import Outlook, Wanted
from phone_vault.services.estimate.passes import (
    BothTablesPass,
    CensusPass,
    Pass,
    ReEncryptPass,
    ReindexPass,
    RewrapPass,
    SweepPass,
    World,
)

_SCANNED_BYTES = 1024 * 1024
"""Of a page without a limit of rows. Source: DynamoDB API Reference, Scan."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a Rotation takes."""

    records: float
    """That it passes over: stored numbers and message keys."""
    re_wraps: float
    re_indexes: float
    re_encrypts: float
    sweeps: float
    steps: Mapping[str, Bill]
    """By part: the steps, and `control` for what is asked for between them."""
    waits: int

    @property
    def total(self) -> Bill:
        """All steps together."""
        return Bill.total(self.steps.values())


class RotationReckoning:
    """Of a vault whose rows are read in the shards and pages in which the workers will read them."""

    def __init__(self, outlooks: Mapping[str, Outlook], wanted: Wanted, machinery: Machinery, sizes: RowSizes) -> None:
        self._wanted = wanted
        self._machinery = machinery
        self._sizes = sizes
        self._world = World(outlooks, machinery, sizes.key_ring_row)
        in_question = [
            each for each in outlooks.values() if each.is_served and wanted.tenant_id in (None, each.tenant_id)
        ]
        is_compromised = any(each.is_compromised for each in in_question)
        self._before: dict[Step, Pass] = {}
        """Steps that read rows as they are now."""
        if is_compromised:
            self._before[Step.REWRAP_FIRST] = RewrapPass(self._world)
        self._before[Step.REWRAP] = RewrapPass(self._world, is_repeated=is_compromised)
        if wanted.re_encrypts:
            self._before[Step.RE_ENCRYPT] = ReEncryptPass(self._world, sizes)
        is_reindexing = any(each.pending_index is not None for each in in_question)
        if is_reindexing:
            self._before[Step.REINDEX] = ReindexPass(self._world, sizes)
        self._last = CensusPass(self._world)
        is_sweeping = any(each.leaving_index for each in in_question)
        self._sweep = SweepPass(self._world, sizes) if is_sweeping else None
        self._grown: dict[Step, BothTablesPass] = {}
        """Steps that read rows with what the re-indexing has added."""
        if is_reindexing:
            self._grown[Step.FIRST_CENSUS] = CensusPass(self._world)
        if self._sweep is not None:
            self._grown[Step.SWEEP] = self._sweep
        self._both: dict[Step, BothTablesPass] = {**self._grown, Step.LAST_CENSUS: self._last}
        self._waits = 3 if is_sweeping else 1
        self._records = 0
        self._read_units = 0.0
        self._known_bytes = 0
        self._added = self._removed = 0
        self._pages_of_shard = [0]

    def read(self, page: PageRead) -> None:
        """One page of RecordKeys, of the present shard."""
        rows = [row for row in page.rows if self._wanted.tenant_id in (None, row.tenant_id)]
        for each in self._before.values():
            each.read(PageRead(rows, page.read_units))
        added = sum(map(self._positions_added, rows)) if Step.REINDEX in self._before else 0
        removed = sum(map(self._positions_removed, rows)) if self._sweep is not None else 0
        grown = page.read_units + added * self._sizes.added_position / READ_UNIT_BYTES
        shrunk = grown - removed * self._sizes.added_position / READ_UNIT_BYTES
        for step in self._grown.values():
            step.read(PageRead(rows, grown))
        self._last.read(PageRead(rows, shrunk))
        self._added += added
        self._removed += removed
        self._records += len(rows)
        self._known_bytes += sum(row.known_bytes for row in page.rows)
        self._pages_of_shard[-1] += 1

    def end_shard(self) -> None:
        """What is read from now on is of the next shard."""
        for each in (*self._before.values(), *self._both.values()):
            each.end_shard()
        self._pages_of_shard.append(0)

    def reckoned(self, entries_of_shard: Sequence[float], mean_record_bytes: float) -> Reckoned:
        """At the end; `entries_of_shard`: rows of LookupIndex now, by shard."""
        now = sum(entries_of_shard)
        after = {
            Step.FIRST_CENSUS: now + self._added,
            Step.SWEEP: now + self._added - self._removed,
            Step.LAST_CENSUS: now + self._added - self._removed,
        }
        shards = zip(self._pages_of_shard, entries_of_shard, strict=False)
        for pages, entries in shards:
            for step, both in self._both.items():
                rows = entries * after[step] / now if now else 0
                both.read_entries(pages, _pages_of_entries(rows, self._sizes.index_entry), self._sizes.index_entry)
        unknown = max(0.0, mean_record_bytes - self._known_bytes / self._records) if self._records else 0.0
        passes = {**self._before, **self._both}
        for each in passes.values():
            each.finish(unknown)
        control = Control(self._world, self._wanted, self._ring_bytes())
        steps = {str(step): passes[step].bill for step in Step if step in passes}
        steps[CONTROL] = control.bill(self._last.progress_bytes)
        changed = Counter({step: each.changed for step, each in passes.items()})
        return Reckoned(
            records=self._records,
            re_wraps=changed[Step.REWRAP_FIRST] + changed[Step.REWRAP],
            re_indexes=changed[Step.REINDEX],
            re_encrypts=changed[Step.RE_ENCRYPT],
            sweeps=changed[Step.SWEEP],
            steps=steps,
            waits=self._waits,
        )

    def _ring_bytes(self) -> float:
        return sum(each.ring_rows for each in self._world.outlooks.values()) * self._sizes.key_ring_row

    def _positions_added(self, row: ReckonedRow) -> int:
        outlook = self._world.of(row.tenant_id)
        if outlook is None or not outlook.is_served or row.kind is not Kind.STORED_NUMBER or not row.index_versions:
            return 0
        return len(outlook.live_index - row.index_versions)

    def _positions_removed(self, row: ReckonedRow) -> int:
        outlook = self._world.of(row.tenant_id)
        if outlook is None or not outlook.is_served:
            return 0
        return len(outlook.dead_index & row.index_versions)


def _pages_of_entries(rows: float, entry_bytes: float) -> list[float]:
    """A page that is full is followed by another one, be it empty."""
    page_rows = int(_SCANNED_BYTES // entry_bytes)
    full = int(rows // page_rows)
    return [float(page_rows)] * full + [rows - full * page_rows]
