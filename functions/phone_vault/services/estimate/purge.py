"""A whole purge, reckoned: records are shown to it one by one, and in the end it says what they will take.

It reckons as the functions work: the index of what is due, day by day, the records found there, the pages of a plan,
and each record's writes. Sizes that do not depend on the vault were taken from rows as the vault writes them.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from phone_vault.domain.due_rows import DueRow
from phone_vault.domain.inventory import Kind
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.purging import KEPT, Fate, fate_of, skipped_of
from phone_vault.domain.receipts import MOST_LEAVES
from phone_vault.domain.retention import DUE_SHARDS, live_purposes
from phone_vault.services.estimate.bill import IN_A_TRANSACTION, READ_UNIT_BYTES, Bill, reads, writes
from phone_vault.services.estimate.measures import RowSizes
from phone_vault.services.purge_planning import RECORDS_A_PAGE

PAGES_AT_ONCE = 16
"""MaxConcurrency of the state machine's maps; a test holds it to the definition."""
_ROWS_A_QUERY = 100
_ROWS_A_SCAN = 100
_PAGES_A_READ = 100
_INDEX_ROW_BYTES = 100
_LISTED_BYTES, _PLAN_PAGE_BYTES = 62, 300
"""A record on a page of a plan, and the page without any."""
_ENTRY_BYTES, _TOKEN_BYTES = 1000, 29
"""An entry of the audit trail, and each token in it."""
_PROGRESS_BYTES, _LEAF_BYTES = 250, 48
"""What a page has come to, and each leaf in it."""
_RECEIPT_BYTES, _TOLD_LEAF_BYTES = 1000, 121
"""A receipt, and each leaf that it carries itself."""
_IN_THE_INDEX = 1
"""What a key of the index of what is due costs beside its row, when it comes or goes."""


@dataclass(frozen=True, slots=True)
class PurgeWanted:
    """The purge that is reckoned."""

    is_planned: bool = False
    """Whether a person plans it first: then the circuit breaker does not look."""
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class VaultFacts:
    """What is known beside the records."""

    first_day: date
    """From which on it looks."""
    has_low_water: bool
    has_vault_key: bool
    """Whether the vault has an audit key of its own; else it makes one."""
    censuses: Mapping[str, int]
    """Stored numbers as of the last census, by tenant."""
    record_bytes: float
    key_ring_rows: int
    sizes: RowSizes


@dataclass(frozen=True, slots=True)
class ReckonedPurge:
    """What a purge takes."""

    due: int
    message_keys: int
    dropped: int
    """Records that lose purposes and stay."""
    kept: int
    """Past their end, held or restricted."""
    skipped: tuple[str, ...]
    is_open: bool
    """Whether the circuit breaker lets nothing go at all."""
    steps: Mapping[str, Bill]
    pages: int

    @property
    def total(self) -> Bill:
        """All of it."""
        return Bill.total(self.steps.values())


class PurgeReckoning:
    """Of one vault."""

    def __init__(self, policy: VaultPolicy, wanted: PurgeWanted, now: datetime) -> None:
        self._policy = policy
        self._wanted = wanted
        self._now = now
        self._today = now.date().isoformat()
        self._stored = Counter[str]()
        self._buckets = Counter[str]()
        self._listed = Counter[tuple[str, Fate, Kind]]()
        self._positions = Counter[str]()
        self._moved = 0
        self._rows = 0

    def read(self, row: DueRow) -> None:
        """One record."""
        holding = row.holding
        self._rows += 1
        self._stored[holding.tenant_id] += holding.kind is Kind.STORED_NUMBER
        day = row.bucket.partition("#")[0]
        if day > self._today:
            return
        self._buckets[row.bucket] += 1
        if self._wanted.tenant_id not in (None, holding.tenant_id):
            return
        fate = fate_of(holding, self._policy, self._now)
        if fate is Fate.LIVES and self._ends_on(row, day):
            return
        self._listed[holding.tenant_id, fate, holding.kind] += 1
        if fate is Fate.DUE:
            self._positions[holding.tenant_id] += row.positions
        elif fate is not Fate.LEFTOVER:
            self._moved += day != self._today

    def reckoned(self, facts: VaultFacts) -> ReckonedPurge:
        """At the end."""
        due, message_keys = self._of(Fate.DUE, Kind.STORED_NUMBER), self._of(Fate.DUE, Kind.MESSAGE_KEY)
        stored = {tenant_id: facts.censuses.get(tenant_id) or self._stored[tenant_id] for tenant_id in due}
        is_planned = self._wanted.is_planned
        skipped = () if is_planned else skipped_of(due, stored, self._policy.circuit_breaker)
        is_open = bool(skipped) and due.keys() | message_keys.keys() <= set(skipped)
        going = Counter({name: count for name, count in due.items() if name not in skipped})
        keys_going = Counter({name: count for name, count in message_keys.items() if name not in skipped})
        listed = self._listed.total()
        plan, run = Bill(), Bill()
        self._plan(plan, facts, listed, due.keys())
        if is_open:
            self._call(run, 4)
        else:
            self._run(run, facts, listed, going, keys_going, skipped)
        return ReckonedPurge(
            due=going.total(),
            message_keys=keys_going.total(),
            dropped=sum(self._of(Fate.LEFTOVER).values()),
            kept=sum(count for (_, fate, kind), count in self._listed.items() if fate in KEPT),
            skipped=skipped,
            is_open=is_open,
            steps={"plan": plan, "run": run},
            pages=_pages(listed),
        )

    def _ends_on(self, row: DueRow, day: str) -> bool:
        live = live_purposes(row.holding, self._policy, self._now)
        return bool(live) and min(live.values()).date().isoformat() == day

    def _of(self, fate: Fate, kind: Kind | None = None) -> Counter[str]:
        found = Counter[str]()
        for (tenant_id, its_fate, its_kind), count in self._listed.items():
            if its_fate is fate and kind in (None, its_kind):
                found[tenant_id] += count
        return found

    def _plan(self, bill: Bill, facts: VaultFacts, listed: int, tenants: Collection[str]) -> None:
        self._call(bill, 2)
        is_planned = self._wanted.is_planned
        bill.ask("dynamodb:GetItem", 1 if is_planned else 2, read=1)
        if not facts.has_low_water:
            bill.ask("dynamodb:Scan", read=reads(facts.key_ring_rows * facts.sizes.key_ring_row))
        if not facts.has_vault_key:
            bill.ask("kms:Encrypt")
            bill.ask("dynamodb:TransactWriteItems", write=IN_A_TRANSACTION)
            bill.ask("dynamodb:Query", read=1)
        self._vaults_key(bill)
        bill.ask("dynamodb:PutItem", 3, write=1)
        days = (self._now.date() - facts.first_day).days + 1
        bill.ask("dynamodb:Query", max(0, days * DUE_SHARDS - len(self._buckets)), read=0.5)
        for count in self._buckets.values():
            full, rest = divmod(count, _ROWS_A_QUERY)
            for rows in [_ROWS_A_QUERY] * full + [rest]:
                bill.ask("dynamodb:Query", read=reads(rows * _INDEX_ROW_BYTES) / 2)
                if rows:
                    bill.ask("dynamodb:BatchGetItem", read=rows * reads(facts.record_bytes))
        for rows in _rows_of_pages(listed):
            bill.ask("dynamodb:PutItem", write=writes(rows * _LISTED_BYTES + _PLAN_PAGE_BYTES))
        if is_planned or not tenants:
            return
        bill.ask("dynamodb:GetItem", len(tenants), read=1)
        if any(not facts.censuses.get(tenant_id) for tenant_id in tenants):
            scanned = self._rows * facts.record_bytes / READ_UNIT_BYTES
            pages = self._rows // _ROWS_A_SCAN + 1
            bill.ask("dynamodb:Scan", pages, read=(scanned + pages / 2) / pages)

    def _run(
        self,
        bill: Bill,
        facts: VaultFacts,
        listed: int,
        due: Counter[str],
        message_keys: Counter[str],
        skipped: Collection[str],
    ) -> None:
        self._call(bill, 4)
        self._call(bill, 2)
        bill.ask("dynamodb:GetItem", 4 if self._wanted.is_planned else 3, read=1)
        bill.ask("dynamodb:PutItem", 5, write=1)
        bill.ask("dynamodb:Query", 2 + self._wanted.is_planned, read=1)
        going = due.total()
        for rows in _rows_of_pages(listed):
            share = rows / listed
            self._page(bill, facts, rows, going * share, (going + message_keys.total()) * share)
        tenants = len(due.keys() | message_keys.keys() | self._of(Fate.LEFTOVER).keys())
        pages = _pages(listed)
        # A page is mostly of one tenant, unless there are more tenants than pages.
        of_tenants = max(tenants, pages if tenants else 0)
        bill.ask("dynamodb:Query", pages + of_tenants, read=1)
        bill.ask("kms:Decrypt", min(pages, PAGES_AT_ONCE) + min(of_tenants, PAGES_AT_ONCE * tenants))
        bill.ask("dynamodb:UpdateItem", going + message_keys.total(), write=writes(facts.record_bytes))
        bill.ask("dynamodb:UpdateItem", going, write=1 + _IN_THE_INDEX)
        bill.ask("dynamodb:DeleteItem", going, write=writes(facts.sizes.message))
        positions = sum(count for tenant_id, count in self._positions.items() if tenant_id not in skipped)
        bill.ask("dynamodb:DeleteItem", positions, write=writes(facts.sizes.index_entry))
        bill.ask("dynamodb:DeleteItem", going, write=1)
        bill.ask("dynamodb:TransactWriteItems", message_keys.total(), write=IN_A_TRANSACTION * (2 + _IN_THE_INDEX))
        # Whether an erasure of the subject is over with it; two numbers of one subject are seldom on the same page.
        bill.ask("dynamodb:GetItem", going + message_keys.total(), read=1)
        dropped = sum(count for tenant_id, count in self._of(Fate.LEFTOVER).items() if tenant_id not in skipped)
        change = writes(facts.record_bytes) + 2 * _IN_THE_INDEX + writes(_ENTRY_BYTES + _TOKEN_BYTES)
        bill.ask("dynamodb:TransactWriteItems", dropped, write=IN_A_TRANSACTION * change)
        bill.ask("dynamodb:UpdateItem", self._moved, write=writes(facts.record_bytes) + 2 * _IN_THE_INDEX)
        self._receipt(bill, listed, going)

    @staticmethod
    def _page(bill: Bill, facts: VaultFacts, rows: int, numbers: float, records: float) -> None:
        bill.invocations += 1
        bill.transitions += 3
        bill.ask("dynamodb:GetItem", 2, read=1)
        bill.ask("dynamodb:GetItem", read=reads(rows * _LISTED_BYTES + _PLAN_PAGE_BYTES))
        bill.ask("dynamodb:BatchGetItem", read=rows * reads(facts.record_bytes))
        bill.ask("dynamodb:PutItem", write=1)
        bill.ask("dynamodb:PutItem", 2, write=writes(_PROGRESS_BYTES + numbers * _LEAF_BYTES))
        if records:
            bill.ask("dynamodb:PutItem", write=writes(_ENTRY_BYTES + records * _TOKEN_BYTES))

    @staticmethod
    def _receipt(bill: Bill, listed: int, leaves: int) -> None:
        """Counts and leaves are read page by page, one after the other."""
        pages = _pages(listed)
        per_page = reads(_PROGRESS_BYTES + (leaves / pages if pages else 0) * _LEAF_BYTES)
        bill.ask("dynamodb:BatchGetItem", 2 * -(-pages // _PAGES_A_READ), read=per_page * min(pages, _PAGES_A_READ))
        bill.ask("dynamodb:BatchGetItem", read=1)
        bill.ask("kms:Sign")
        bill.ask("kms:GetPublicKey")
        carried = leaves if leaves <= MOST_LEAVES else 0
        if not carried:
            full, rest = divmod(leaves, MOST_LEAVES)
            for rows in [MOST_LEAVES] * full + [rest] * bool(rest):
                bill.ask("dynamodb:PutItem", write=writes(rows * _LEAF_BYTES))
        row = writes(_RECEIPT_BYTES + carried * _TOLD_LEAF_BYTES)
        bill.ask("dynamodb:TransactWriteItems", write=IN_A_TRANSACTION * (row + 1))

    @staticmethod
    def _vaults_key(bill: Bill) -> None:
        bill.ask("dynamodb:Query", read=1)
        bill.ask("kms:Decrypt")

    @staticmethod
    def _call(bill: Bill, transitions: int) -> None:
        bill.invocations += 1
        bill.transitions += transitions


def _pages(listed: int) -> int:
    return -(-listed // RECORDS_A_PAGE)


def _rows_of_pages(listed: int) -> list[int]:
    full, rest = divmod(listed, RECORDS_A_PAGE)
    return [RECORDS_A_PAGE] * full + [rest] * bool(rest)
