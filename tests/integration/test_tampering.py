"""Stored rows in the hands of an attacker: a fault of the service, never a wrong number, match or subject.

What the vault cannot tell, because it is not under any key, is named in `UNAUTHENTICATED` and shown to be all there is.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from phone_vault.local import FunctionError
from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.policy import POLICY
from tests.integration.support.vault import KEYS, Vault, WireItem, open_vault, problem

SUBJECT, OTHER_SUBJECT = "subject-a", "subject-b"
FAULT = "FunctionError"
PURPOSE = "marketing_sms"

Value = dict[str, Any]
Path = tuple[str, ...]


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """In which as many wrong numbers may be tried as all these tests take."""
    with open_vault({**POLICY, "verify_mismatches_per_token": 10_000}) as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Victims:
    """Two records of two subjects, with different numbers."""

    tenant: str
    token: str
    other: str


def victims(vault: Vault, tenant: str) -> Victims:
    given_at = vault.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    purposes = {"account_security": {}, PURPOSE: {"consent": {"given_at": given_at, "evidence": "form 12"}}}
    token = vault.protect(tenant, SUBJECT, BRITISH, purposes)["token"]
    other = vault.protect(tenant, OTHER_SUBJECT, AMERICAN, purposes)["token"]
    for each in (token, other):
        vault.reveal(tenant, each, "account_security")
    return Victims(tenant, token, other)


def verdict(call: Callable[[], Any]) -> str:
    """What an operation came to: `right`, a problem's name, `FunctionError`, `nothing` (no match), or worse."""
    try:
        answer = call()
    except FunctionError:
        return FAULT
    return problem(answer) or ("nothing" if answer == {"matches": []} else "right")


def reveals(vault: Vault, found: Victims) -> str:
    def call() -> Any:
        answer = vault.reveal(found.tenant, found.token)
        assert answer.get("number", "+447400123456") == "+447400123456", "a wrong number"
        return answer

    return verdict(call)


def looks_up(vault: Vault, found: Victims, number: str = BRITISH) -> str:
    owner = {BRITISH: (found.token, SUBJECT), AMERICAN: (found.other, OTHER_SUBJECT)}[number]

    def call() -> Any:
        answer = vault.lookup(found.tenant, number)
        for match in answer.get("matches", []):
            assert (match["token"], match["subject_id"]) == owner, "another's match"
        return answer

    return verdict(call)


def verifies(vault: Vault, found: Victims) -> str:
    def call(number: str, *, truth: bool) -> Any:
        answer = vault.verify(found.tenant, found.token, number)
        assert answer.get("match", truth) is truth, "a wrong match"
        return answer

    right, wrong = verdict(lambda: call(BRITISH, truth=True)), verdict(lambda: call(AMERICAN, truth=False))
    return right if right == wrong else f"{right}/{wrong}"


def merges(vault: Vault, found: Victims) -> str:
    def call() -> Any:
        answer = vault.protect(found.tenant, SUBJECT)
        assert answer.get("token", found.token) == found.token, "another's token"
        return answer

    return verdict(call)


VERBS: dict[str, Callable[[Vault, Victims], str]] = {
    "Reveal": reveals,
    "Lookup": looks_up,
    "Verify": verifies,
    "Protect": merges,
}


def verdicts(vault: Vault, found: Victims) -> dict[str, str]:
    return {name: verb(vault, found) for name, verb in VERBS.items()}


@contextmanager
def restored(vault: Vault, *tables: str) -> Iterator[None]:
    """Afterwards these tables are as they were."""
    before = {table: vault.rows(table) for table in tables}
    try:
        yield
    finally:
        for table, rows in before.items():
            names = {tuple(str(row[key]) for key in KEYS[table]) for row in rows}
            for row in vault.rows(table):
                if tuple(str(row[key]) for key in KEYS[table]) not in names:
                    vault.delete(table, row)
            for row in rows:
                vault.put(table, row)


def record_of(vault: Vault, token: str, table: str = "RecordKeys") -> WireItem:
    (row,) = vault.rows(table, token)
    return row


# Every attribute, changed in every way.


def leaves(value: Value, path: Path = ()) -> Iterator[Path]:
    """The attributes of a map, nested ones included; of a map itself too."""
    for name, each in value.items():
        yield (*path, name)
        if "M" in each:
            yield from leaves(each["M"], (*path, name))
        elif "L" in each:
            for at, element in enumerate(each["L"]):
                yield from leaves({str(at): element}, (*path, name))


def changed(row: WireItem, path: Path, change: Callable[[Value], Value | None]) -> WireItem:
    """A copy in which the attribute is another one, or gone."""
    found = copy.deepcopy(row)
    place: Any = found
    for name in path[:-1]:
        place = place[name]
        place = place["M"] if "M" in place else {str(at): each for at, each in enumerate(place["L"])}
    new = change(place[path[-1]])
    if new is None:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    for name in path[:-1]:  # a list is changed through a map of it
        if "L" in found.get(name, {}) and len(path) == 2:
            found[name] = {"L": [each for _, each in sorted(place.items())]}
    return found


def flipped(value: Value) -> Value:
    """The same type, a little different."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return {"S": chr(ord(content[0]) ^ 1) + content[1:] if content else "x"}
        case "N":
            return {"N": str(int(content) + 1)}
        case "B":
            return {"B": bytes([content[0] ^ 1, *content[1:]])}
        case "M":
            return {"M": {f"{name}0": each for name, each in content.items()} or {"x": {"S": "x"}}}
        case _:
            return {"L": [*content, {"S": "x"}]}


def flipped_at(share: float) -> Callable[[Value], Value]:
    """Of bytes; everything else stays as it is."""

    def flip(value: Value) -> Value:
        if "B" not in value:
            return value
        at = int((len(value["B"]) - 1) * share)
        return {"B": value["B"][:at] + bytes([value["B"][at] ^ 0x80]) + value["B"][at + 1 :]}

    return flip


def emptied(value: Value) -> Value:
    ((kind, content),) = value.items()
    return {"N": "0"} if kind == "N" else {kind: type(content)()}


def longer(value: Value) -> Value:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return {"S": content + "x"}
        case "B":
            return {"B": content + b"\x00"}
        case "N":
            return {"N": "1" + "0" * 30}
        case _:
            return flipped(value)


CHANGES: dict[str, Callable[[Value], Value | None]] = {
    "removed": lambda _: None,
    "flipped": flipped,
    "flipped in the middle": flipped_at(0.5),
    "flipped at the end": flipped_at(1),
    "emptied": emptied,
    "longer": longer,
    "text": lambda _: {"S": "x"},
    "number": lambda _: {"N": "7"},
    "bytes": lambda _: {"B": b"x"},
    "truth": lambda _: {"BOOL": True},
    "null": lambda _: {"NULL": True},
    "list": lambda _: {"L": []},
    "map": lambda _: {"M": {}},
    "set of texts": lambda _: {"SS": ["x"]},
}

AUTHENTICATED: dict[str, dict[str, set[str]]] = {
    # attribute: the verbs that must see any change of it
    "RecordKeys": {
        "wrapped_key": {"Reveal"},
        "branch_key_version": {"Reveal"},
        "subject_id": {"Lookup", "Verify", "Protect"},
        "subject_ref": {"Lookup", "Verify", "Protect"},
        "index_positions": {"Lookup", "Verify", "Protect"},
        "index_positions.1": {"Lookup", "Verify", "Protect"},
        "index_positions.1.blind_index": {"Lookup", "Verify", "Protect"},
        "index_positions.1.binding": {"Lookup", "Verify", "Protect"},
    },
    "Numbers": {"message": {"Reveal"}},
    "LookupIndex": {},
    "Subjects": {},
}

UNAUTHENTICATED = {
    "RecordKeys": {
        "created_at",
        "revision",
        "due",
        "jurisdictions",
        "last_used",
        "last_used.account_security",
        "purposes",
        "purposes.account_security",
        "purposes.account_security.days",
        "purposes.account_security.from",
        "purposes.account_security.granted_at",
        "purposes.marketing_sms",
        "purposes.marketing_sms.consent",
        "purposes.marketing_sms.consent.evidence",
        "purposes.marketing_sms.consent.given_at",
        "purposes.marketing_sms.days",
        "purposes.marketing_sms.from",
        "purposes.marketing_sms.granted_at",
        "index_positions.1.release",
    },
    "LookupIndex": {"token"},
    "Subjects": set[str](),
    "Numbers": set[str](),
}
"""Metadata: purposes, dates, jurisdictions, counters. No key covers them, so a change that still reads is believed.

`token` of an index entry: one that names no record hides the entry, one that names another record is a fault.
"""


def attribute(path: Path) -> str:
    return ".".join(name for name in path if not name.isdigit() or path[0] == "index_positions")


@pytest.fixture(scope="module")
def found(vault: Vault) -> Victims:
    return victims(vault, "tampered")


Tampered = dict[tuple[Path, str], dict[str, str]]
"""By attribute and its own type: what each verb came to when the attribute had been changed."""


@pytest.fixture(scope="module")
def tampered(vault: Vault, found: Victims) -> Callable[[str, str], Tampered]:
    """Each change is made once, whichever tests ask."""

    @cache
    def of(table: str, how: str) -> Tampered:
        return dict(tampered_with(vault, found, table, CHANGES[how]))

    return of


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("table", ["RecordKeys", "Numbers", "LookupIndex"])
def test_no_change_of_an_attribute_gives_a_wrong_answer_and_what_is_under_a_key_is_seen(
    tampered: Callable[[str, str], Tampered], table: str, how: str
) -> None:
    """Purposes, dates and the other metadata of `UNAUTHENTICATED` may be changed unseen; that shows no number wrong."""
    for (path, _), seen in tampered(table, how).items():
        expected = AUTHENTICATED[table].get(attribute(path), set())
        if seen["Verify"] == "conflict":  # a record without positions is one of the time when its tenant kept no index
            expected = expected - {"Verify"}
        assert expected <= {verb for verb, what in seen.items() if what == FAULT}, attribute(path)
        assert attribute(path) in AUTHENTICATED[table] or attribute(path) in UNAUTHENTICATED[table]


OTHER_TYPES = {
    "number": "N",
    "bytes": "B",
    "truth": "BOOL",
    "null": "NULL",
    "list": "L",
    "map": "M",
    "set of texts": "SS",
}


@pytest.mark.parametrize("how", OTHER_TYPES)
def test_an_attribute_of_another_type_is_a_fault_to_everybody_metadata_too(
    tampered: Callable[[str, str], Tampered], how: str
) -> None:
    for (path, kind), seen in tampered("RecordKeys", how).items():
        if kind != OTHER_TYPES[how]:
            assert set(seen.values()) == {FAULT}, attribute(path)


def tampered_with(
    vault: Vault, found: Victims, table: str, change: Callable[[Value], Value | None]
) -> Iterator[tuple[tuple[Path, str], dict[str, str]]]:
    """The verdicts on each attribute that is changed in this way, one at a time."""
    token = found.token
    row = index_row(vault, found.tenant, token) if table == "LookupIndex" else record_of(vault, token, table)
    for path in leaves(row):
        new = changed(row, path, change)
        if path[0] in KEYS[table] or new == row:
            continue
        if path == ("due",) and not new.get("due", {"S": "x"}).get("S"):
            continue  # DynamoDB itself takes nothing else for the key of an index
        vault.put(table, new)
        try:
            seen = verdicts(vault, found)
        finally:
            restore(vault, table, row, found)
        yield (path, type_at(row, path)), seen


def type_at(row: WireItem, path: Path) -> str:
    types: list[str] = []

    def note(value: Value) -> Value:
        types.append(next(iter(value)))
        return value

    changed(row, path, note)
    return types[0]


def restore(vault: Vault, table: str, row: WireItem, found: Victims) -> None:
    """Whatever the verbs have stored on top of it too: where a Protect finds no entry it begins anew."""
    vault.put(table, row)
    for each in ("RecordKeys", "Numbers") if table == "LookupIndex" else ():
        for stray in vault.rows(each, found.tenant):
            if not stray["record_id"]["S"].endswith((found.token, found.other)):
                vault.delete(each, stray)


@pytest.mark.parametrize("value", [{"S": "1"}, {"BOOL": True}, {"N": "1.5"}], ids=["text", "truth", "fraction"])
@pytest.mark.parametrize("name", ["branch_key_version", "revision"])
def test_a_count_that_is_no_whole_number_is_a_fault(vault: Vault, tenant: str, name: str, value: Value) -> None:
    """What the vault does not write does not read, even where it could be taken for the right one."""
    token = vault.protect(tenant)["token"]
    vault.put("RecordKeys", {**record_of(vault, token), name: value})
    with pytest.raises(FunctionError):
        vault.reveal(tenant, token, view="masked")


@pytest.mark.parametrize("value", [{"N": "100000000"}, {"L": []}], ids=["number", "list"])
@pytest.mark.parametrize(("table", "name"), [("RecordKeys", "wrapped_key"), ("Numbers", "message")])
def test_what_is_no_bytes_is_not_made_into_bytes(
    vault: Vault, tenant: str, table: str, name: str, value: Value
) -> None:
    """Python's `bytes` of a number is so many zeros: an attacker's one attribute would fill the function's memory."""
    token = vault.protect(tenant)["token"]
    vault.put(table, {**record_of(vault, token, table), name: value})
    with pytest.raises(FunctionError, match="does not read"):
        vault.reveal(tenant, token)


def index_row(vault: Vault, tenant: str, token: str) -> WireItem:
    (row,) = [row for row in vault.rows("LookupIndex", f"{tenant}#") if row["token"] == {"S": token}]
    return row


@pytest.mark.parametrize("how", ["removed", "number", "bytes", "null", "list", "set of texts"])
def test_an_index_entry_that_names_no_token_is_a_fault(vault: Vault, found: Victims, how: str) -> None:
    row = index_row(vault, found.tenant, found.token)
    with restored(vault, "LookupIndex", "RecordKeys", "Numbers", "Subjects"):
        vault.put("LookupIndex", changed(row, ("token",), CHANGES[how]))
        assert looks_up(vault, found) == FAULT


def test_the_record_is_whole_after_all_that(vault: Vault, found: Victims) -> None:
    """The proof that the tests above began from a good record each time."""
    assert verdicts(vault, found) == dict.fromkeys(VERBS, "right")


# Rows exchanged between records.


def exchange(vault: Vault, table: str, one: WireItem, other: WireItem) -> None:
    """Each under the other's key."""
    for row, key in ((one, other), (other, one)):
        vault.put(table, {**row, **{name: key[name] for name in KEYS[table]}})


def swap(vault: Vault, found: Victims, *tables: str) -> None:
    for table in tables:
        if table == "LookupIndex":
            one, other = (index_row(vault, found.tenant, token) for token in (found.token, found.other))
            vault.put(table, {**one, "token": other["token"]})
            vault.put(table, {**other, "token": one["token"]})
        else:
            one, other = (record_of(vault, token, table) for token in (found.token, found.other))
            exchange(vault, table, one, other)


SWAPS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "messages": (("Numbers",), {"Reveal"}),
    "record keys": (("RecordKeys",), {"Reveal", "Lookup", "Verify", "Protect"}),
    "index entries": (("LookupIndex",), {"Lookup", "Protect"}),
    "record keys and messages": (("RecordKeys", "Numbers"), {"Reveal", "Lookup", "Verify", "Protect"}),
    "record keys and index entries": (("RecordKeys", "LookupIndex"), {"Reveal", "Lookup", "Verify", "Protect"}),
    "messages and index entries": (("Numbers", "LookupIndex"), {"Reveal", "Lookup", "Protect"}),
    "everything": (("RecordKeys", "Numbers", "LookupIndex"), {"Reveal", "Lookup", "Verify", "Protect"}),
}


@pytest.mark.parametrize(("tables", "verbs"), SWAPS.values(), ids=SWAPS.keys())
def test_rows_exchanged_between_records_are_a_fault(
    vault: Vault, tenant: str, tables: tuple[str, ...], verbs: set[str]
) -> None:
    both = victims(vault, tenant)
    swap(vault, both, *tables)
    seen = verdicts(vault, both)
    assert {verb for verb, what in seen.items() if what == FAULT} == verbs
    assert {what for verb, what in seen.items() if verb not in verbs} <= {"right"}


ATTRIBUTES_TO_EXCHANGE = [
    ("wrapped_key", {"Reveal"}),
    ("index_positions", {"Lookup", "Verify", "Protect"}),
    ("subject_id", {"Lookup", "Verify", "Protect"}),
    ("subject_ref", {"Lookup", "Verify", "Protect"}),
]


@pytest.mark.parametrize(("name", "verbs"), ATTRIBUTES_TO_EXCHANGE)
def test_attributes_exchanged_between_records_are_a_fault(
    vault: Vault, tenant: str, name: str, verbs: set[str]
) -> None:
    both = victims(vault, tenant)
    one, other = (record_of(vault, token) for token in (both.token, both.other))
    vault.put("RecordKeys", {**one, name: other[name]})
    vault.put("RecordKeys", {**other, name: one[name]})
    assert {verb for verb, what in verdicts(vault, both).items() if what == FAULT} == verbs


def test_both_subject_attributes_and_the_index_entry_taken_from_another_subject_are_a_fault(
    vault: Vault, tenant: str
) -> None:
    """The attacker makes a record somebody else's, consistently in all rows."""
    both = victims(vault, tenant)
    one, other = (record_of(vault, token) for token in (both.token, both.other))
    vault.put("RecordKeys", {**one, "subject_id": other["subject_id"], "subject_ref": other["subject_ref"]})
    entry = index_row(vault, tenant, both.token)
    vault.delete("LookupIndex", entry)
    vault.put("LookupIndex", {**entry, "subject_ref": other["subject_ref"]})
    assert looks_up(vault, both) == FAULT
    assert verifies(vault, both) == FAULT


def test_an_index_entry_moved_to_the_position_of_another_number_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    one, other = (index_row(vault, tenant, token) for token in (both.token, both.other))
    vault.put("LookupIndex", {**one, "index_position": other["index_position"]})
    assert looks_up(vault, both, AMERICAN) == FAULT


def test_a_record_copied_whole_under_a_new_token_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    forged = "tok_" + "f" * 25
    for table in ("RecordKeys", "Numbers"):
        vault.put(table, {**record_of(vault, both.token, table), "record_id": {"S": f"{tenant}#{forged}"}})
    with pytest.raises(FunctionError):
        vault.reveal(tenant, forged)
    with pytest.raises(FunctionError):
        vault.verify(tenant, forged)


def test_a_record_of_the_same_subject_under_its_other_number_is_a_fault(vault: Vault, tenant: str) -> None:
    """Subject and tenant are right, only the number is another."""
    tokens = [vault.protect(tenant, SUBJECT, number)["token"] for number in (BRITISH, AMERICAN)]
    same = Victims(tenant, *tokens)
    swap(vault, same, "RecordKeys", "Numbers", "LookupIndex")
    assert reveals(vault, same) == FAULT
    assert verifies(vault, same) == FAULT
    assert verdict(lambda: vault.lookup(tenant)) == FAULT


# Rows exchanged between tenants, tables and key uses.


def test_all_rows_of_a_record_copied_to_another_tenant_are_a_fault(vault: Vault, tenant: str) -> None:
    both, thief = victims(vault, tenant), vault.tenant()
    vault.protect(thief, "thief", AMERICAN)
    for table in ("RecordKeys", "Numbers"):
        vault.put(table, {**record_of(vault, both.token, table), "record_id": {"S": f"{thief}#{both.token}"}})
    with pytest.raises(FunctionError):
        vault.reveal(thief, both.token)
    with pytest.raises(FunctionError):
        vault.verify(thief, both.token)


def test_an_index_entry_of_another_tenant_finds_nothing_of_it(vault: Vault, tenant: str) -> None:
    """Its position is another under another tenant's key, so the entry is put where the thief's own number stands."""
    both, thief = victims(vault, tenant), vault.tenant()
    own = vault.protect(thief, "thief", BRITISH)["token"]
    vault.put("LookupIndex", {**index_row(vault, thief, own), "token": {"S": both.token}})
    assert vault.lookup(thief) == {"matches": []}


def test_an_index_entry_cannot_name_a_record_across_the_tenants_border(vault: Vault, tenant: str) -> None:
    """`#` in a token must not lead into another tenant's partition."""
    both, thief = victims(vault, tenant), vault.tenant()
    own = vault.protect(thief, "thief", BRITISH)["token"]
    row = index_row(vault, thief, own)
    for forged in (f"{tenant}#{both.token}", f"#{both.token}", f"../{tenant}#{both.token}"):
        vault.put("LookupIndex", {**row, "token": {"S": forged}})
        assert verdict(lambda: vault.lookup(thief)) in (FAULT, "nothing")


def test_a_message_in_place_of_a_record_key_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    row, message = record_of(vault, both.token), record_of(vault, both.token, "Numbers")
    vault.put("RecordKeys", {**row, "wrapped_key": message["message"]})
    assert reveals(vault, both) == FAULT


def test_a_record_key_in_place_of_a_message_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    row, message = record_of(vault, both.token), record_of(vault, both.token, "Numbers")
    vault.put("Numbers", {**message, "message": row["wrapped_key"]})
    assert reveals(vault, both) == FAULT


def test_a_row_of_record_keys_in_the_table_of_numbers_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    vault.put("Numbers", record_of(vault, both.token))
    assert reveals(vault, both) == FAULT


def test_a_row_of_numbers_in_the_table_of_record_keys_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    vault.put("RecordKeys", record_of(vault, both.token, "Numbers"))
    seen = verdicts(vault, both)
    assert set(seen.values()) == {FAULT}


def test_a_wrapped_key_from_the_key_ring_in_place_of_a_record_key_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    (branch,) = [row for row in vault.rows("KeyRing", tenant) if row["key_version"] == {"S": "branch#1"}]
    vault.put("RecordKeys", {**record_of(vault, both.token), "wrapped_key": branch["wrapped_key"]})
    assert reveals(vault, both) == FAULT


def test_a_message_longer_than_any_of_the_vault_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    message = record_of(vault, both.token, "Numbers")
    vault.put("Numbers", {**message, "message": {"B": message["message"]["B"] + b"\x00" * 300_000}})
    assert reveals(vault, both) == FAULT


# The key ring.


def key_row(vault: Vault, tenant: str, use: str) -> WireItem:
    (row,) = [row for row in vault.rows("KeyRing", tenant) if row["key_version"] == {"S": f"{use}#1"}]
    return row


KEY_USERS = {
    "branch": {"Reveal", "Protect anew"},
    "index": {"Lookup", "Verify", "Protect", "Protect anew"},
    "audit": {"Reveal"},
    "subject": set[str](),
}
"""The verbs that unwrap a row. The subject key is taken from the index row; nothing reads its own row yet."""


def cold_verdicts(vault: Vault, found: Victims) -> dict[str, str]:
    """Without what instances remember; a Protect of a new number needs the branch key, of a known one it does not."""
    vault.clock.advance(seconds=300)
    seen = verdicts(vault, found)
    return seen | {"Protect anew": verdict(lambda: vault.protect(found.tenant, "subject-c"))}


@pytest.mark.parametrize("use", KEY_USERS)
@pytest.mark.parametrize("how", ["flipped", "flipped at the end", "emptied", "bytes"])
def test_a_wrapped_key_that_was_changed_is_a_fault_to_all_who_unwrap_it(
    vault: Vault, tenant: str, use: str, how: str
) -> None:
    """Nobody unwraps the subject key's own row yet: a change of it is not seen."""
    both = victims(vault, tenant)
    vault.put("KeyRing", changed(key_row(vault, tenant, use), ("wrapped_key",), CHANGES[how]))
    seen = cold_verdicts(vault, both)
    assert KEY_USERS[use] <= {verb for verb, what in seen.items() if what == FAULT}
    assert set(seen.values()) <= {FAULT, "right"}


@pytest.mark.parametrize("use", ["branch", "subject"])
@pytest.mark.parametrize("name", ["wrapped_key", "state", "created_at"])
@pytest.mark.parametrize("how", ["removed", "number", "null", "list"])
def test_a_row_of_the_key_ring_that_does_not_read_is_a_fault_to_everybody(
    vault: Vault, tenant: str, use: str, name: str, how: str
) -> None:
    """Even of a key that a verb does not need: a ring that was meddled with is not worked around."""
    both = victims(vault, tenant)
    vault.put("KeyRing", changed(key_row(vault, tenant, use), (name,), CHANGES[how]))
    seen = cold_verdicts(vault, both)
    assert set(seen.values()) == {FAULT}


USES = ["branch", "index", "subject", "audit"]


@pytest.mark.parametrize("use", USES)
def test_a_row_of_the_key_ring_of_another_tenant_is_a_fault(vault: Vault, tenant: str, use: str) -> None:
    both, other = victims(vault, tenant), vault.tenant()
    victims(vault, other)
    vault.put("KeyRing", {**key_row(vault, other, use), "tenant_id": {"S": tenant}})
    seen = cold_verdicts(vault, both)
    assert KEY_USERS[use] <= {verb for verb, what in seen.items() if what == FAULT}
    assert set(seen.values()) <= {FAULT, "right"}


def test_all_rows_of_the_key_ring_of_another_tenant_at_once_are_a_fault(vault: Vault, tenant: str) -> None:
    both, other = victims(vault, tenant), vault.tenant()
    victims(vault, other)
    for use in USES:
        vault.put("KeyRing", {**key_row(vault, other, use), "tenant_id": {"S": tenant}})
    assert set(cold_verdicts(vault, both).values()) == {FAULT}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("taken_from", USES)
def test_a_wrapped_key_of_another_use_is_a_fault(vault: Vault, tenant: str, use: str, taken_from: str) -> None:
    if use == taken_from:
        return
    both = victims(vault, tenant)
    row = {**key_row(vault, tenant, use), "wrapped_key": key_row(vault, tenant, taken_from)["wrapped_key"]}
    vault.put("KeyRing", row)
    seen = cold_verdicts(vault, both)
    assert KEY_USERS[use] <= {verb for verb, what in seen.items() if what == FAULT}
    assert set(seen.values()) <= {FAULT, "right"}


@pytest.mark.parametrize("use", ["branch", "index"])
def test_a_forged_newer_version_of_a_key_is_a_fault(vault: Vault, tenant: str, use: str) -> None:
    """An attacker without KMS has only the bytes of version 1, which are bound to their version."""
    both = victims(vault, tenant)
    vault.put("KeyRing", {**key_row(vault, tenant, use), "key_version": {"S": f"{use}#2"}})
    seen = cold_verdicts(vault, both)
    assert seen["Protect anew"] == FAULT
    assert set(seen.values()) <= {FAULT, "right"}


@pytest.mark.parametrize("use", ["branch", "index", "audit"])
def test_a_key_wrapped_by_the_attackers_own_kms_key_is_a_fault(vault: Vault, tenant: str, use: str) -> None:
    """KMS finds the key of a ciphertext by itself: the vault must name the one that it expects."""
    both = victims(vault, tenant)
    own = vault.kms.create_key()["KeyMetadata"]["KeyId"]
    length = 96 if use == "index" else 32
    blob = vault.kms.encrypt(
        KeyId=own, Plaintext=b"\x00" * length, EncryptionContext={"tenant": tenant, "use": use, "version": "1"}
    )["CiphertextBlob"]
    vault.put("KeyRing", {**key_row(vault, tenant, use), "wrapped_key": {"B": blob}})
    seen = cold_verdicts(vault, both)
    assert not {verb for verb in KEY_USERS[use] if seen[verb] == "right"}


@pytest.mark.parametrize("use", ["branch", "index", "audit"])
def test_a_key_row_that_is_gone_is_a_fault_to_all_who_need_it(vault: Vault, tenant: str, use: str) -> None:
    both = victims(vault, tenant)
    vault.delete("KeyRing", key_row(vault, tenant, use))
    seen = cold_verdicts(vault, both)
    assert KEY_USERS[use] <= {verb for verb, what in seen.items() if what == FAULT}


def test_a_key_ring_that_is_gone_shows_no_number_under_the_keys_that_replace_it(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    for use in USES:
        vault.delete("KeyRing", key_row(vault, tenant, use))
    vault.clock.advance(seconds=300)
    vault.protect(tenant, "subject-c")
    assert reveals(vault, both) == FAULT
    assert verifies(vault, both) == FAULT


# What is gone.


def test_a_message_that_is_gone_is_a_fault(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    vault.delete("Numbers", record_of(vault, both.token, "Numbers"))
    assert reveals(vault, both) == FAULT


def test_a_record_that_is_gone_cannot_be_told_from_one_that_never_was(vault: Vault, tenant: str) -> None:
    """Not detected at the row; the audit trail has the entry of its creation."""
    both = victims(vault, tenant)
    vault.delete("RecordKeys", record_of(vault, both.token))
    seen = {"Reveal": reveals(vault, both), "Lookup": looks_up(vault, both), "Verify": verifies(vault, both)}
    assert seen == {"Reveal": "not-found", "Lookup": "nothing", "Verify": "not-found"}


def test_an_index_entry_that_is_gone_cannot_be_told_from_one_that_never_was(vault: Vault, tenant: str) -> None:
    """Not detected: the number is not found, and protecting it again makes a second record."""
    both = victims(vault, tenant)
    vault.delete("LookupIndex", index_row(vault, tenant, both.token))
    assert looks_up(vault, both) == "nothing"
    assert reveals(vault, both) == "right"
    assert vault.protect(tenant, SUBJECT)["created"] is True


# Faults.


def test_a_fault_says_nothing_of_the_row(vault: Vault, tenant: str) -> None:
    both = victims(vault, tenant)
    vault.put("RecordKeys", changed(record_of(vault, both.token), ("wrapped_key",), flipped))
    with pytest.raises(FunctionError) as error:
        vault.reveal(tenant, both.token)
    assert both.token not in f"{error.value}{error.value.stack_trace}"


FAULTY: dict[str, tuple[Path, Value]] = {
    "unreadable attribute": (("revision",), {"S": "x"}),
    "not authentic": (("wrapped_key",), {"B": b"x"}),
    "no jurisdiction": (("jurisdictions",), {"L": []}),
    "a retention beyond time": (("purposes", "account_security", "days"), {"N": "1" + "0" * 30}),
    "a text for a map": (("purposes",), {"S": "x"}),
}


@pytest.mark.parametrize(("path", "value"), FAULTY.values(), ids=FAULTY.keys())
def test_a_fault_leaves_an_entry(vault: Vault, tenant: str, path: Path, value: Value) -> None:
    """One audit entry per operation and refusal, whatever became of it."""
    both = victims(vault, tenant)
    vault.put("RecordKeys", changed(record_of(vault, both.token), path, lambda _: value))
    with vault.audited() as entries:
        assert reveals(vault, both) == FAULT
    assert [each["outcome"] for each in entries] == ["fault"]


@pytest.mark.parametrize("use", ["branch", "audit"])
def test_a_fault_of_the_tenants_own_key_ring_leaves_an_entry_too(vault: Vault, tenant: str, use: str) -> None:
    """Under the vault's own audit key where the tenant's cannot be trusted."""
    both = victims(vault, tenant)
    vault.put("KeyRing", changed(key_row(vault, tenant, use), ("state",), lambda _: None))
    vault.clock.advance(seconds=300)
    with vault.audited() as entries:
        assert reveals(vault, both) == FAULT
    assert [each["outcome"] for each in entries] == ["fault"]
