"""What planning and carrying out purges ask of DynamoDB, and keep in Operations, on the embedded AWS."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from phone_vault.adapters.due_index import DynamoDueIndex
from phone_vault.adapters.kept_numbers import DynamoKeptNumbers
from phone_vault.adapters.purge_plans import DynamoPlanStore
from phone_vault.adapters.purge_runs import DynamoPurgeRunStore
from phone_vault.adapters.retained import DynamoRetainedStore
from phone_vault.adapters.vault_age import DynamoVaultAge
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.job_ports import Cursor, Unreadable
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.purge_ports import SealedText
from phone_vault.domain.purge_run import PageProgress, PageState, Part, PurgeRun, RunState
from phone_vault.domain.receipts import SaltedToken
from phone_vault.domain.retention import Retained
from phone_vault.domain.rights_ports import Because
from phone_vault.domain.standing import Hold, Level, Standing
from tests.unit.adapters.record_tables import NOW, RecordTables, names_of

LATER = NOW + timedelta(days=400)
_DAYS = itertools.count(1)
_NUMBERS = itertools.count(1)


@pytest.fixture
def day() -> date:
    """One of its own for each test: the tables are a module's."""
    return date(2030, 1, 1) + timedelta(days=next(_DAYS))


def fresh(kind: str) -> str:
    return f"{kind}-{next(_NUMBERS)}"


class TestDueIndex:
    @pytest.fixture
    def index(self, vault: RecordTables) -> DynamoDueIndex:
        return DynamoDueIndex(vault.tables, vault.names)

    @pytest.fixture
    def retained(self, vault: RecordTables) -> DynamoRetainedStore:
        return DynamoRetainedStore(vault.tables, vault.names)

    def found(self, index: DynamoDueIndex, day: date, shard: int) -> list[RecordId]:
        met: list[RecordId] = []
        cursor: Cursor | None = None
        while True:
            page = index.page(day, shard, cursor)
            met += page.record_ids
            cursor = page.next_cursor
            if cursor is None:
                return met

    def put(self, vault: RecordTables, index: DynamoDueIndex, record: Retained, bucket: str) -> None:
        vault.spoil(record, "due", {"S": bucket})

    def test_both_kinds_are_found_on_their_day_and_shard_and_nowhere_else(
        self, vault: RecordTables, index: DynamoDueIndex, tenant: str, day: date
    ) -> None:
        records: list[Retained] = [vault.store(tenant), vault.store_message_key(tenant)]
        for record in records:
            self.put(vault, index, record, f"{day}#03")
        assert sorted(self.found(index, day, 3)) == sorted(RecordId(tenant, each.name) for each in records)
        assert not self.found(index, day, 4)
        assert not self.found(index, day + timedelta(days=1), 3)

    def test_it_is_read_page_after_page(
        self, vault: RecordTables, index: DynamoDueIndex, tenant: str, day: date, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("phone_vault.adapters.due_index.PAGE_ROWS", 2)
        records = [vault.store(tenant) for _ in range(5)]
        for record in records:
            self.put(vault, index, record, f"{day}#15")
        with vault.asked() as requests:
            assert sorted(each.token for each in self.found(index, day, 15)) == sorted(each.token for each in records)
        assert names_of(requests) == {"Query": 3}

    def test_a_record_is_moved_with_the_next_revision_unless_somebody_has_written_it(
        self, vault: RecordTables, index: DynamoDueIndex, tenant: str, day: date
    ) -> None:
        record = vault.store(tenant)
        index.move(record, f"{day}#01")
        assert self.found(index, day, 1) == [RecordId(tenant, record.token)]
        assert vault.row(record)["revision"] == record.revision + 1
        with pytest.raises(Contended):
            index.move(record, f"{day}#02")
        assert vault.row(record)["due"] == f"{day}#01"

    def test_one_without_a_key_is_not_moved(
        self, vault: RecordTables, index: DynamoDueIndex, tenant: str, day: date
    ) -> None:
        record = vault.store(tenant)
        vault.shred(record)
        with pytest.raises(Contended):
            index.move(replace(record, revision=2), f"{day}#01")
        index.move_unread(RecordId(tenant, record.token), f"{day}#01")
        index.move_unread(RecordId(tenant, "tok_none"), f"{day}#01")
        assert not self.found(index, day, 1)

    def test_a_row_that_does_not_read_is_moved_and_is_otherwise_as_it_was(
        self, vault: RecordTables, index: DynamoDueIndex, tenant: str, day: date
    ) -> None:
        record = vault.store(tenant)
        vault.spoil(record, "purposes", {"S": "nonsense"})
        before = vault.row(record)
        index.move_unread(RecordId(tenant, record.token), f"{day}#01")
        assert vault.row(record) == {**before, "due": f"{day}#01"}

    def test_closing_leaves_what_the_other_way_of_closing_leaves(
        self, vault: RecordTables, index: DynamoDueIndex, retained: DynamoRetainedStore, tenant: str
    ) -> None:
        left = []
        for close in (index.close, retained.close):
            record = vault.store(tenant)
            vault.put(vault.names.subjects, self.membership(record.tenant_id, record.subject_ref, record.token))
            dead = retained.shred(record, Because.PURGE, NOW, LATER)
            retained.clear(dead)
            close(dead)
            close(dead)
            row = vault.row(record)
            assert not vault.item(
                vault.names.subjects, self.membership(record.tenant_id, record.subject_ref, record.token)
            )
            left.append({name: value for name, value in row.items() if name not in ("record_id", "subject_ref")})
        assert left[0] == left[1]
        assert "due" not in left[0]

    def membership(self, tenant_id: str, subject_ref: str, token: str) -> dict[str, str]:
        return {"subject": f"{tenant_id}#{subject_ref}", "member": f"t#{token}"}

    def test_closing_takes_single_writes(
        self, vault: RecordTables, index: DynamoDueIndex, retained: DynamoRetainedStore, tenant: str
    ) -> None:
        dead = retained.shred(vault.store(tenant), Because.PURGE, NOW, LATER)
        with vault.asked() as requests:
            index.close(dead)
        assert names_of(requests) == {"DeleteItem": 1, "UpdateItem": 1}


class TestKeptNumbers:
    @pytest.fixture
    def numbers(self, vault: RecordTables) -> DynamoKeptNumbers:
        return DynamoKeptNumbers(vault.tables, vault.names)

    def test_stored_numbers_are_read_with_what_tells_of_their_use_and_their_holds(
        self, vault: RecordTables, numbers: DynamoKeptNumbers, tenant: str
    ) -> None:
        standing = Standing(holds=frozenset({Hold("case", Level.TOKEN)}))
        record = vault.store(tenant, last_used={"delivery": NOW}, standing=standing)
        vault.store_message_key(tenant)
        vault.shred(vault.store(tenant))
        odd = vault.store(tenant)
        vault.spoil(odd, "purposes", {"S": "nonsense"})
        rows: list[object] = []
        cursor: Cursor | None = None
        while True:
            page = numbers.page(cursor, tenant)
            rows += page.rows
            cursor = page.next_cursor
            if cursor is None:
                break
        [kept] = [row for row in rows if not isinstance(row, Unreadable)]
        assert getattr(kept, "record_id") == RecordId(tenant, record.token)  # noqa: B009  of whatever is found
        assert (kept.grants, kept.last_used, kept.standing) == (record.grants, record.last_used, standing)  # type: ignore[attr-defined]
        assert Unreadable(tenant) in rows

    def test_no_key_subject_or_blind_index_is_asked_for(
        self, vault: RecordTables, numbers: DynamoKeptNumbers, tenant: str
    ) -> None:
        with vault.asked() as requests:
            numbers.page(None, tenant)
        [(_, request)] = requests
        assert request["Select"] == "SPECIFIC_ATTRIBUTES"
        asked = {each.strip("# ") for each in request["ProjectionExpression"].split(",")}
        assert asked.isdisjoint({"wrapped_key", "subject_id", "subject_ref", "index_positions"})


def test_the_vaults_first_day_is_that_of_its_oldest_key(vault: RecordTables) -> None:
    age = DynamoVaultAge(vault.tables, vault.names)
    row = {"tenant_id": fresh("t"), "key_version": "branch#1", "created_at": "2019-05-06T07:08:09Z"}
    vault.put(vault.names.key_ring, row)
    vault.put(vault.names.key_ring, {"tenant_id": row["tenant_id"], "key_version": "tenant"})
    assert age.first_day() == date(2019, 5, 6)
    vault.put(vault.names.key_ring, {**row, "created_at": "yesterday"})
    with pytest.raises(TamperedStore):
        age.first_day()
    vault.put(vault.names.key_ring, row)


class TestPlans:
    ROW = SealedText('{"a":1}', b"seal", datetime(2026, 2, 1, tzinfo=UTC))

    @pytest.fixture
    def store(self, vault: RecordTables) -> DynamoPlanStore:
        return DynamoPlanStore(vault.tables, vault.names)

    def test_a_row_is_read_as_it_was_written(self, store: DynamoPlanStore) -> None:
        name = fresh("plan#")
        assert store.read(name) is None
        store.write(name, self.ROW, 0)
        assert store.read(name) == self.ROW

    def test_it_is_written_on_its_revision_alone(self, store: DynamoPlanStore) -> None:
        name = fresh("plan#")
        store.write(name, self.ROW, 0)
        other = self.ROW._replace(text="{}")
        store.write(name, other, 1)
        for revision in (0, 1):
            with pytest.raises(Contended):
                store.write(name, self.ROW, revision)
        assert store.read(name) == other

    def test_the_same_row_again_is_the_answer_that_was_lost(self, store: DynamoPlanStore) -> None:
        name = fresh("plan#")
        store.write(name, self.ROW, 0)
        store.write(name, self.ROW, 0)

    def test_a_page_of_a_later_call_stays(self, store: DynamoPlanStore) -> None:
        name = fresh("plan#")
        store.write_page(name, self.ROW, 2)
        later = self.ROW._replace(text="{}")
        store.write_page(name, later, 3)
        with pytest.raises(Contended):
            store.write_page(name, self.ROW, 2)
        assert store.read(name) == later

    def test_it_goes_by_itself_in_the_end(self, vault: RecordTables, store: DynamoPlanStore) -> None:
        name = fresh("plan#")
        store.write(name, self.ROW, 0)
        row = vault.item(vault.names.operations, {"operation_id": name})
        assert row["expires_ttl"] == int(self.ROW.expires_at.timestamp())

    @pytest.mark.parametrize("change", [{"content": b"x"}, {"seal": "x"}, {"expires_ttl": "x"}])
    def test_a_row_that_does_not_read_is_refused(
        self, vault: RecordTables, store: DynamoPlanStore, change: dict[str, object]
    ) -> None:
        name = fresh("plan#")
        store.write(name, self.ROW, 0)
        row = vault.item(vault.names.operations, {"operation_id": name})
        vault.put(vault.names.operations, {**row, **change})
        with pytest.raises(TamperedStore):
            store.read(name)


class TestRuns:
    RUN = PurgeRun(
        scope="unattended",
        run_id="r",
        plan_id="p",
        begun_at=NOW,
        pages=3,
        tenant_id="acme",
        unused_days=7,
        clears_until=date(2026, 1, 1),
        skipped=("acme", "beta"),
        continues=(Part("q", 2),),
        state=RunState.FINISHING,
        seal=b"seal",
    )
    PROGRESS = PageProgress(
        run_id="r",
        page=0,
        state=PageState.COUNTED,
        counts={"purged": 2},
        by_purpose={"delivery": 2},
        leaves=(SaltedToken.of("tok_0", b"0" * 16), SaltedToken.of("tok_1", b"1" * 16)),
        left_from=date(2026, 1, 1),
        seal=b"seal",
    )

    @pytest.fixture
    def store(self, vault: RecordTables) -> DynamoPurgeRunStore:
        return DynamoPurgeRunStore(vault.tables, vault.names)

    @pytest.mark.parametrize("changes", [{}, {"tenant_id": None, "unused_days": None, "clears_until": None}])
    def test_a_run_is_read_as_it_was_written(self, store: DynamoPurgeRunStore, changes: dict[str, None]) -> None:
        run = replace(self.RUN, scope=fresh("scope"), **changes)  # type: ignore[arg-type]
        assert store.read(run.scope) is None
        saved = store.save(run)
        assert saved == replace(run, revision=1)
        assert store.read(run.scope) == saved

    def test_it_is_written_on_its_revision_alone(self, store: DynamoPurgeRunStore) -> None:
        run = replace(self.RUN, scope=fresh("scope"))
        saved = store.save(run)
        store.save(replace(saved, run_id="another"))
        for stale in (run, saved):
            with pytest.raises(Contended):
                store.save(stale)

    def test_a_page_is_read_as_it_was_written_and_before_that_as_it_begins(self, store: DynamoPurgeRunStore) -> None:
        run_id = fresh("run")
        assert store.progress(run_id, 0) == PageProgress(run_id, 0)
        saved = store.save_progress(replace(self.PROGRESS, run_id=run_id))
        assert saved == replace(self.PROGRESS, run_id=run_id, revision=1)
        assert store.progress(run_id, 0) == saved
        with pytest.raises(Contended):
            store.save_progress(replace(self.PROGRESS, run_id=run_id, counts={}))

    def test_all_pages_are_read_in_their_order_100_at_a_time(
        self, vault: RecordTables, store: DynamoPurgeRunStore
    ) -> None:
        run_id = fresh("run")
        saved = store.save_progress(replace(self.PROGRESS, run_id=run_id, page=150))
        with vault.asked() as requests:
            pages = list(store.all_progress(run_id, 201))
        assert [each.page for each in pages] == list(range(201))
        assert pages[150] == saved
        assert {each.state for each in pages} == {PageState.UNTOUCHED, PageState.COUNTED}
        assert names_of(requests) == {"BatchGetItem": 3}

    def test_no_row_holds_a_token(self, vault: RecordTables, store: DynamoPurgeRunStore) -> None:
        run_id = fresh("run")
        store.save_progress(replace(self.PROGRESS, run_id=run_id))
        assert "tok_" not in repr(vault.item(vault.names.operations, {"operation_id": f"purge#{run_id}#0"}))

    @pytest.mark.parametrize("change", [{"leaves": b"x" * 47}, {"state": "odd"}, {"counts": {"purged": "2"}}])
    def test_a_page_that_does_not_read_is_refused(
        self, vault: RecordTables, store: DynamoPurgeRunStore, change: dict[str, object]
    ) -> None:
        run_id = fresh("run")
        store.save_progress(replace(self.PROGRESS, run_id=run_id))
        row = vault.item(vault.names.operations, {"operation_id": f"purge#{run_id}#0"})
        vault.put(vault.names.operations, {**row, **change})
        with pytest.raises(TamperedStore):
            store.progress(run_id, 0)

    def test_the_low_water_never_goes_down_but_from_a_day_to_come(self, store: DynamoPurgeRunStore) -> None:
        assert store.low_water() is None
        for day, first in ((date(2026, 1, 5),) * 2, (date(2026, 1, 4), date(2026, 1, 5)), (date(2026, 2, 1),) * 2):
            store.raise_low_water(day, date(2026, 2, 1))
            assert store.low_water() == first
        store.raise_low_water(date(2026, 1, 5), date(2026, 1, 31))
        assert store.low_water() == date(2026, 1, 5)
