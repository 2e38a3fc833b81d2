"""The passes of a Rotation over all records: what each asks for, page by page and call by call."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from phone_vault.domain.inventory import Kind
from phone_vault.domain.keys import VAULT, KeyUse
from phone_vault.domain.reckoned_rows import PageRead, ReckonedRow
from phone_vault.services.estimate.bill import IN_A_TRANSACTION, Bill, reads, writes
from phone_vault.services.estimate.measures import Machinery, RowSizes
from phone_vault.services.estimate.outlook import Outlook

_STATES_A_CALL, _STATES_A_SHARD = 2, 2
"""The task and the choice after it; the start of a shard's execution and its end."""
_COUNTS_OF_A_RECORD = ("branch/1", "index/1", "index/2", "numbers", "indexed", "entries/1")
_PROGRESS_BYTES = 300
_COUNT_BYTES = 5
"""Of a number among a step's counts, with what DynamoDB adds to each member of a map."""


class World:
    """What all passes know."""

    def __init__(self, outlooks: Mapping[str, Outlook], machinery: Machinery, ring_row_bytes: float) -> None:
        self.outlooks = outlooks
        self.machinery = machinery
        self._ring_row_bytes = ring_row_bytes

    def of(self, tenant_id: str) -> Outlook | None:
        """None for a tenant without keys, whose records cannot be read."""
        return self.outlooks.get(tenant_id)

    def query_units(self, tenant_id: str) -> int:
        """Of a tenant's rows in KeyRing."""
        found = self.of(tenant_id)
        return reads((found.ring_rows if found else 0) * self._ring_row_bytes)


class Pass(ABC):
    """One step, in one shard after the other. Updates of records are billed at the end, when their size is known."""

    def __init__(self, world: World) -> None:
        self.bill = Bill()
        self.changed = 0
        self.updates: Counter[tuple[int, int]] = Counter()
        """By how many times a write unit costs, and the known bytes of the row."""
        self._world = world
        self._pages = 0
        self._queried: set[str] = set()
        self._unwrapped: set[tuple[str, str, int]] = set()
        self._calls = 0

    def read(self, page: PageRead) -> None:
        """One page of RecordKeys."""
        self._begin_page()
        self.bill.ask("dynamodb:Scan", read=page.read_units)
        self.work(page.rows)
        self.end_page()

    def end_shard(self) -> None:
        """The next page is that of another shard."""
        self._pages = self._calls = 0
        self._unwrapped.clear()
        self.bill.transitions += _STATES_A_SHARD

    @abstractmethod
    def work(self, rows: Sequence[ReckonedRow]) -> None:
        """What is done to the records of one page."""

    def finish(self, unknown_bytes: float) -> None:
        """Bill the updates of records, now that it is known what `known_bytes` leaves open of an average one."""
        for (factor, known), count in self.updates.items():
            self.bill.write_units += count * factor * writes(known + unknown_bytes)

    def begin_call(self) -> None:
        """What each call of the worker asks for first: the run, and how far it has come."""
        self.bill.invocations += 1
        self.bill.transitions += _STATES_A_CALL
        self.bill.ask("dynamodb:GetItem", 2, read=1)
        self._queried.clear()
        if self._calls % max(1, self._world.machinery.calls_a_key) == 0:
            self._unwrapped.clear()
        self._calls += 1

    def end_page(self) -> None:
        """The cursor is saved."""
        self.bill.ask("dynamodb:PutItem", write=writes(_PROGRESS_BYTES))

    def served(self, rows: Iterable[ReckonedRow]) -> list[tuple[ReckonedRow, Outlook]]:
        """Those whose tenants are; the rows of each tenant in KeyRing are asked for once a call."""
        found = []
        for row in rows:
            self.query(row.tenant_id)
            outlook = self._world.of(row.tenant_id)
            if outlook is not None and outlook.is_served:
                found.append((row, outlook))
        return found

    def query(self, tenant_id: str) -> None:
        """Once a call."""
        if tenant_id not in self._queried:
            self._queried.add(tenant_id)
            self.bill.ask("dynamodb:Query", read=self._world.query_units(tenant_id))

    def unwrap(self, tenant_id: str, use: KeyUse, version: int = 1) -> None:
        """As long as it is not kept."""
        key = (tenant_id, str(use), version)
        if key not in self._unwrapped or not self._world.machinery.calls_a_key:
            self._unwrapped.add(key)
            self.bill.ask("kms:Decrypt")

    def announce(self, tenants: Iterable[str], keyed_by: KeyUse, version_of: Mapping[str, int] | None = None) -> None:
        """One audit entry for each of these tenants, in one write."""
        named = set(tenants)
        for tenant_id in named:
            self.unwrap(tenant_id, keyed_by, (version_of or {}).get(tenant_id, 1))
        if len(named) == 1:
            self.bill.ask("dynamodb:PutItem", write=1)
        elif named:
            self.bill.ask("dynamodb:TransactWriteItems", write=IN_A_TRANSACTION * len(named))

    def _begin_page(self) -> None:
        if self._pages % self._world.machinery.pages_per_call == 0:
            self.begin_call()
        self._pages += 1


class RewrapPass(Pass):
    """Rewrap; `is_repeated` where an earlier pass has moved everything already."""

    def __init__(self, world: World, *, is_repeated: bool = False) -> None:
        super().__init__(world)
        self._is_repeated = is_repeated

    def work(self, rows: Sequence[ReckonedRow]) -> None:
        """One update for each stale record."""
        stale = []
        for row, outlook in self.served(rows):
            if not self._is_repeated and not _is_current(row, outlook):
                stale.append((row, outlook))
        self.announce((row.tenant_id for row, _ in stale), KeyUse.AUDIT)
        for row, outlook in stale:
            self._rewrap(row, outlook)
        self.changed += len(stale)

    def _rewrap(self, row: ReckonedRow, outlook: Outlook) -> None:
        if outlook.is_direct and row.branch_key_version is None:
            self.bill.ask("kms:ReEncrypt")
        else:
            if row.branch_key_version is None:
                self.bill.ask("kms:Decrypt")
            else:
                self.unwrap(row.tenant_id, KeyUse.BRANCH, row.branch_key_version)
            if outlook.is_direct:
                self.bill.ask("kms:Encrypt")
            else:
                self.unwrap(row.tenant_id, KeyUse.BRANCH, outlook.active_branch)
        if outlook.is_direct:  # with the check that the tenant has not left
            self.bill.ask("dynamodb:TransactWriteItems", write=IN_A_TRANSACTION)
            self.updates[IN_A_TRANSACTION, row.known_bytes] += 1
        else:
            self.bill.ask("dynamodb:UpdateItem")
            self.updates[1, row.known_bytes] += 1


class _NumbersPass(Pass):
    """Those of Reindex: they see stored numbers alone, and have their audit key from the index key's row."""

    def served_numbers(self, rows: Iterable[ReckonedRow]) -> list[tuple[ReckonedRow, Outlook]]:
        """Message keys are none."""
        return self.served(row for row in rows if row.kind is Kind.STORED_NUMBER)

    def announce_numbers(self, stale: Sequence[tuple[ReckonedRow, Outlook]]) -> None:
        """With the key that the active index version's row brings along."""
        read = {outlook.tenant_id: _read_index(outlook) for _, outlook in stale}
        self.announce(read, KeyUse.INDEX, read)

    def read_and_decrypt(self, stale: Sequence[tuple[ReckonedRow, Outlook]]) -> None:
        """Record and message of each, by BatchGetItem."""
        if not stale:
            return
        self.bill.ask("dynamodb:BatchGetItem", ceil(2 * len(stale) / self._world.machinery.keys_a_read))
        self.bill.read_units += 2 * len(stale)
        for row, outlook in stale:
            if outlook.is_direct:
                self.bill.ask("kms:Decrypt")
            else:
                self.unwrap(row.tenant_id, KeyUse.BRANCH, outlook.active_branch)


class ReindexPass(_NumbersPass):
    """Reindex, step reindex."""

    def __init__(self, world: World, sizes: RowSizes) -> None:
        super().__init__(world)
        self._sizes = sizes

    def work(self, rows: Sequence[ReckonedRow]) -> None:
        """An entry and a position for each live version that a record lacks, 25 in a transaction."""
        stale = []
        for row, outlook in self.served_numbers(rows):
            if not row.index_versions:
                continue
            for version in outlook.live_index:
                self.unwrap(row.tenant_id, KeyUse.INDEX, version)
            if outlook.live_index - row.index_versions:
                stale.append((row, outlook))
        self.announce_numbers(stale)
        self.read_and_decrypt(stale)
        positions = 0
        for row, outlook in stale:
            lacking = len(outlook.live_index - row.index_versions)
            positions += lacking
            self.updates[IN_A_TRANSACTION, row.known_bytes + lacking * self._sizes.added_position] += 1
        if stale:
            at_once = self._world.machinery.positions_at_once
            entry = IN_A_TRANSACTION * writes(self._sizes.index_entry)
            self.bill.ask("dynamodb:TransactWriteItems", ceil(positions / at_once))
            self.bill.write_units += positions * entry
        self.changed += len(stale)


class ReEncryptPass(_NumbersPass):
    """Reindex, step re-encrypt: every stored number."""

    def __init__(self, world: World, sizes: RowSizes) -> None:
        super().__init__(world)
        self._sizes = sizes

    def work(self, rows: Sequence[ReckonedRow]) -> None:
        """A transaction for each."""
        stale = self.served_numbers(rows)
        self.announce_numbers(stale)
        self.read_and_decrypt(stale)
        for row, outlook in stale:
            written = IN_A_TRANSACTION * writes(self._sizes.message)
            if outlook.is_direct:
                self.bill.ask("kms:Encrypt")
                written += IN_A_TRANSACTION  # the check that the tenant has not left
            self.bill.ask("dynamodb:TransactWriteItems", write=written)
            self.updates[IN_A_TRANSACTION, row.known_bytes + self._sizes.added_moment] += 1
        self.changed += len(stale)


class BothTablesPass(Pass):
    """Those that go on over LookupIndex where RecordKeys ends: as if a shard's part of it were one page."""

    def read_entries(self, pages_before: int, rows: Sequence[float], entry_bytes: float) -> None:
        """The rows of each reading; `pages_before` of RecordKeys in the same shard."""
        self._pages = pages_before
        self._begin_page()
        for count in rows:
            self.bill.ask("dynamodb:Scan", read=reads(count * entry_bytes))
        self.work_on_entries(sum(rows))
        self.end_page()

    def work_on_entries(self, rows: float) -> None:
        """What is done to the entries of one shard."""


class CensusPass(BothTablesPass):
    """Census: one audit entry a call, by the vault's own key; its counts grow with the tenants of a shard."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._is_new_shard = True
        self._tenants: set[str] = set()
        self.progress_bytes = _PROGRESS_BYTES
        """Of the last shard's cursor with its counts."""

    def begin_call(self) -> None:
        """Of the vault itself, no tenant's."""
        super().begin_call()
        self.query(VAULT)
        self.announce([VAULT], KeyUse.AUDIT)

    def work(self, rows: Sequence[ReckonedRow]) -> None:
        """Nothing but counting."""
        if self._is_new_shard:
            self._is_new_shard = False
            self._tenants.clear()
            self.progress_bytes = _PROGRESS_BYTES
        for row in rows:
            if row.tenant_id not in self._tenants:
                self._tenants.add(row.tenant_id)
                names = (len(row.tenant_id) + 1 + len(name) + _COUNT_BYTES for name in _COUNTS_OF_A_RECORD)
                self.progress_bytes += sum(names)

    def end_page(self) -> None:
        """The cursor is saved with the counts."""
        self.bill.ask("dynamodb:PutItem", write=writes(self.progress_bytes))

    def end_shard(self) -> None:
        """The next one counts anew."""
        super().end_shard()
        self._is_new_shard = True


class SweepPass(BothTablesPass):
    """SweepIndex: a transaction for each record that stands in a dead version; what a reindexing added is there too."""

    def __init__(self, world: World, sizes: RowSizes) -> None:
        super().__init__(world)
        self._sizes = sizes
        self.indexed: Counter[str] = Counter()
        """Records that stand in the index, by tenant."""

    def work(self, rows: Sequence[ReckonedRow]) -> None:
        """Entries and positions of one record at once."""
        stale = []
        in_page: set[str] = set()
        numbers = (row for row in rows if row.kind is Kind.STORED_NUMBER and row.index_versions)
        for row, outlook in self.served(numbers):
            if row.tenant_id not in in_page:  # beside the key ring's own reading, and for each page anew
                in_page.add(row.tenant_id)
                self.bill.ask("dynamodb:Query", read=self._world.query_units(row.tenant_id))
            self.indexed[row.tenant_id] += 1
            dead = outlook.dead_index & row.index_versions
            if dead and (row.index_versions | outlook.live_index) - outlook.dead_index:
                stale.append((row, outlook, len(dead)))
        self.announce((row.tenant_id for row, _, _ in stale), KeyUse.AUDIT)
        for row, outlook, dead_ones in stale:
            added = len(outlook.live_index - row.index_versions) * self._sizes.added_position
            deleted = IN_A_TRANSACTION * writes(self._sizes.index_entry) * dead_ones
            self.bill.ask("dynamodb:TransactWriteItems", write=deleted)
            self.updates[IN_A_TRANSACTION, row.known_bytes + added] += 1
        self.changed += len(stale)

    def work_on_entries(self, rows: float) -> None:
        """The tenants of the entries are looked up: about those that so many rows of such a mix have."""
        for tenant_id, count in self.indexed.items():
            is_seen = 1 - (1 - count / self.indexed.total()) ** rows
            self.bill.ask("dynamodb:Query", is_seen, read=self._world.query_units(tenant_id))


def _is_current(row: ReckonedRow, outlook: Outlook) -> bool:
    if outlook.is_direct:
        return row.branch_key_version is None and row.kms_key == outlook.kms_key
    return row.branch_key_version == outlook.active_branch


def _read_index(outlook: Outlook) -> int:
    """The version that is read while the records are re-indexed."""
    others = outlook.live_index - {outlook.pending_index}
    return max(others, default=1)
