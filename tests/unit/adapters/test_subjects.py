"""What was said of subjects, what they have, and their histories: on the embedded AWS and in memory alike."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from phone_vault.adapters.subject_rows import subject_key
from phone_vault.adapters.subjects import DynamoSubjectStore
from phone_vault.domain.audit import BEGINNING, Entry
from phone_vault.domain.consent import Consent, ConsentAction, ConsentEvent
from phone_vault.domain.errors import StoreUnavailable, TamperedStore
from phone_vault.domain.ports import Contended
from phone_vault.domain.rights_ports import Members, SubjectStore
from phone_vault.domain.standing import Erasure, Ground
from phone_vault.domain.stored_number import new_token
from phone_vault.domain.subject import Subject, SubjectId
from tests.fakes import MemoryAuditLog, MemorySubjectStore, MemoryTables
from tests.unit.adapters.record_tables import NOW, RecordTables, names_of

_NUMBERS = itertools.count(1)
GIVEN = ConsentEvent(
    "marketing", ConsentAction.GRANT, NOW, NOW + timedelta(days=1460), Consent(NOW - timedelta(days=1), "form 12")
)
WITHDRAWN = ConsentEvent(
    "marketing", ConsentAction.WITHDRAW, NOW + timedelta(days=1), NOW + timedelta(days=1461), token=new_token()
)


@pytest.fixture
def store(vault: RecordTables) -> DynamoSubjectStore:
    return DynamoSubjectStore(vault.tables, vault.names)


@pytest.fixture
def subject_id(tenant: str) -> SubjectId:
    return SubjectId(tenant, f"{next(_NUMBERS):043}")


@dataclass(frozen=True)
class Kept:
    """A store, and what gives a subject another member."""

    store: SubjectStore
    add_member: Callable[[SubjectId, str], None]


@pytest.fixture(params=["DynamoDB", "memory"])
def kept(request: pytest.FixtureRequest, vault: RecordTables) -> Kept:
    if request.param == "DynamoDB":
        return Kept(DynamoSubjectStore(vault.tables, vault.names), partial(member, vault))
    tables = MemoryTables()

    def add_member(subject_id: SubjectId, name: str) -> None:
        tables.members.setdefault(subject_id, set()).add(name)

    return Kept(MemorySubjectStore(MemoryAuditLog(), tables), add_member)


def new_entry() -> Entry:
    return Entry(f"Hold#{next(_NUMBERS)}", 1, "2026-01-01T00:00:00Z", None, "{}", BEGINNING.encode())


def full(subject_id: SubjectId) -> Subject:
    return Subject(
        subject_id,
        cases=frozenset({"case 7", "case 8"}),
        releasing=frozenset({"case 8"}),
        grounds=frozenset({Ground.CLAIMS, Ground.ACCURACY}),
        withdrawn={"marketing": NOW},
        erasure=Erasure("erasure-1", NOW),
    )


def entries_of(vault: RecordTables, entry: Entry) -> list[dict[str, Any]]:
    return vault.tables.query(vault.names.audit_trail, "chain", entry.chain)


# The row.


def test_nothing_was_said_of_a_subject_without_a_row(kept: Kept, subject_id: SubjectId) -> None:
    assert kept.store.read(subject_id) == Subject(subject_id)


def test_a_subject_reads_back_as_it_was_written(kept: Kept, subject_id: SubjectId) -> None:
    written = kept.store.write(full(subject_id), [new_entry()])
    assert written == replace(full(subject_id), revision=1)
    assert kept.store.read(subject_id) == written


def test_every_write_raises_the_revision(kept: Kept, subject_id: SubjectId) -> None:
    first = kept.store.write(full(subject_id), [new_entry()])
    second = kept.store.write(replace(first, cases=frozenset(), releasing=frozenset(), erasure=None), [new_entry()])
    assert second.revision == 2
    assert kept.store.read(subject_id) == second


def test_nobody_writes_over_what_another_has_written(kept: Kept, subject_id: SubjectId) -> None:
    store = kept.store
    first = store.write(Subject(subject_id, cases=frozenset({"case 7"})), [new_entry()])
    with pytest.raises(Contended):
        store.write(Subject(subject_id, cases=frozenset({"case 8"})), [new_entry()], [GIVEN])
    second = store.write(first, [new_entry()])
    with pytest.raises(Contended):
        store.write(replace(first, cases=frozenset()), [new_entry()], [GIVEN])
    assert store.read(subject_id) == second
    assert list(store.consents(subject_id)) == []


def test_what_is_not_written_leaves_no_entry(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId
) -> None:
    store.write(full(subject_id), [new_entry()])
    stale = new_entry()
    with pytest.raises(Contended):
        store.write(full(subject_id), [stale])
    assert entries_of(vault, stale) == []


def test_a_subject_is_written_with_its_entries_or_not_at_all(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId
) -> None:
    entry = new_entry()
    first = store.write(Subject(subject_id, cases=frozenset({"case 7"})), [entry])
    assert len(entries_of(vault, entry)) == 1
    with pytest.raises(StoreUnavailable):
        store.write(replace(first, cases=frozenset()), [entry], [GIVEN])
    assert store.read(subject_id) == first
    assert list(store.consents(subject_id)) == []


def test_a_write_is_one_request(vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId) -> None:
    with vault.asked() as requests:
        store.write(full(subject_id), [new_entry()], [GIVEN])
    assert names_of(requests) == {"TransactWriteItems": 1}


def test_a_read_is_strongly_consistent(vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId) -> None:
    with vault.asked() as requests:
        store.read(subject_id)
        store.members(subject_id)
        list(store.consents(subject_id))
    assert all(parameters["ConsistentRead"] for _, parameters in requests)


@pytest.mark.parametrize(
    "change",
    [{"revision": "1"}, {"cases": 7}, {"grounds": ["because"]}, {"withdrawn": {"marketing": "soon"}}, {"erasure": {}}],
    ids=lambda change: next(iter(change)),
)
def test_a_row_that_does_not_read_is_a_tampered_store(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId, change: dict[str, Any]
) -> None:
    store.write(full(subject_id), [new_entry()])
    row = vault.item(vault.names.subjects, subject_key(subject_id))
    vault.put(vault.names.subjects, {**row, **change})
    with pytest.raises(TamperedStore):
        store.read(subject_id)


# Members.


def member(vault: RecordTables, subject_id: SubjectId, name: str) -> None:
    partition = subject_key(subject_id)["subject"]
    vault.put(vault.names.subjects, {"subject": partition, "member": name})


def test_a_subject_without_members_has_none(kept: Kept, subject_id: SubjectId) -> None:
    assert kept.store.members(subject_id) == Members((), ())


def test_members_are_tokens_and_message_keys_and_nothing_else(kept: Kept, subject_id: SubjectId) -> None:
    tokens = sorted(new_token() for _ in range(3))
    for token in tokens:
        kept.add_member(subject_id, f"t#{token}")
    kept.add_member(subject_id, "m#marketing")
    kept.store.write(full(subject_id), [new_entry()], [GIVEN, WITHDRAWN])
    assert kept.store.members(subject_id) == Members(tuple(tokens), ("marketing",))


def test_members_are_those_of_this_subject(kept: Kept, tenant: str) -> None:
    first, second = (SubjectId(tenant, f"{next(_NUMBERS):043}") for _ in range(2))
    token = new_token()
    kept.add_member(first, f"t#{token}")
    kept.add_member(second, f"t#{new_token()}")
    assert kept.store.members(first) == Members((token,), ())


def test_members_are_read_page_after_page(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId
) -> None:
    """A page of DynamoDB holds 1 MB."""
    partition = subject_key(subject_id)["subject"]
    tokens = sorted(new_token() for _ in range(5))
    for token in tokens:
        vault.put(vault.names.subjects, {"subject": partition, "member": f"t#{token}", "filling": "x" * 350_000})
    with vault.asked() as requests:
        assert store.members(subject_id).tokens == tuple(tokens)
    assert names_of(requests)["Query"] >= 3


@pytest.mark.parametrize("name", ["t#tok_x", "t#", "m#", "m#Party!"])
def test_a_member_of_no_name_of_the_vault_is_a_tampered_store(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId, name: str
) -> None:
    member(vault, subject_id, name)
    with pytest.raises(TamperedStore):
        store.members(subject_id)


# History.


def test_a_history_reads_back_oldest_first(store: DynamoSubjectStore, subject_id: SubjectId) -> None:
    first = store.write(Subject(subject_id), [new_entry()], [WITHDRAWN])
    store.write(first, [new_entry()], [GIVEN])
    assert list(store.consents(subject_id)) == [GIVEN, WITHDRAWN]


def test_lines_of_one_second_stand_beside_each_other(kept: Kept, subject_id: SubjectId) -> None:
    kept.store.write(Subject(subject_id), [new_entry()], [GIVEN, GIVEN])
    assert list(kept.store.consents(subject_id)) == [GIVEN, GIVEN]


def test_a_line_goes_by_itself_when_its_proof_is_not_needed_any_more(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId
) -> None:
    store.write(Subject(subject_id), [new_entry()], [GIVEN])
    (row,) = vault.tables.query(vault.names.subjects, "subject", subject_key(subject_id)["subject"], ("member", "c#"))
    assert row["expires_ttl"] == int(GIVEN.kept_until.timestamp())


def test_neither_row_nor_line_names_the_subject_by_its_id(
    vault: RecordTables, store: DynamoSubjectStore, subject_id: SubjectId
) -> None:
    with vault.asked() as requests:
        store.write(full(subject_id), [new_entry()], [GIVEN, WITHDRAWN])
    (actions,) = (parameters["TransactItems"] for _, parameters in requests)
    attributes = {name for action in actions for name in next(iter(action.values()))["Item"]}
    assert "subject_id" not in attributes
