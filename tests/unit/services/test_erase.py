"""Erase on fakes: what is left, receipts, holds, crashes, and callers at once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.crypto.receipts import checked
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable
from phone_vault.domain.moments import to_text
from phone_vault.domain.ports import NewNumber, RecordId
from phone_vault.domain.receipts import names_token
from phone_vault.domain.standing import Hold, Level
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.erase import Erase
from phone_vault.services.right import RightStores
from tests.fakes import Killed, Turns
from tests.unit.receipts import file_of
from tests.unit.services.rights_world import KEY_RECOVERY, NUMBERS, SUBJECT, RightsWorld, pointers, problem_of
from tests.unit.services.world import DIRECT

CASE = "case 7/2026"
WHY = {"reason": "asked for by letter"}
OF_SUBJECT = {"subject_id": SUBJECT, **WHY}


@pytest.fixture
def world() -> RightsWorld:
    return RightsWorld()


def of(token: str) -> dict[str, str]:
    return {"token": token, **WHY}


def erased(world: RightsWorld, payload: Mapping[str, Any] = OF_SUBJECT) -> dict[str, Any]:
    """The receipt of an answer, checked as whoever holds it checks it."""
    answer = world.call("Erase", payload)
    assert answer.keys() == {"receipt", "erased", "message_keys", "blocked"}, problem_of(answer)
    receipt = checked(file_of(answer["receipt"]), world.signer.public_key())
    assert {name: receipt[name] for name in ("erased", "message_keys", "blocked")} == {
        name: answer[name] for name in ("erased", "message_keys", "blocked")
    }
    return receipt


def hold(world: RightsWorld, whom: Mapping[str, str]) -> None:
    assert "updated" in world.call("Hold", {**whom, "action": "place", "case_id": CASE, **WHY})


def release(world: RightsWorld, whom: Mapping[str, str]) -> dict[str, Any]:
    return world.call("Hold", {**whom, "action": "release", "case_id": CASE})


def reveal(world: RightsWorld, token: str, purpose: str = "security", **more: str) -> dict[str, Any]:
    return world.call("Reveal", {"token": token, "purpose": purpose, **more})


def tombstone(world: RightsWorld, token: str) -> Tombstone:
    return world.tables.tombstones["default", token]


# What is left.


def test_nothing_of_the_number_is_left(world: RightsWorld) -> None:
    token = world.stored(NUMBERS[0])
    positions = [each.blind_index for each in world.record(token).index_positions.values()]
    assert positions
    assert erased(world)["erased"] == 1
    tables = world.tables
    assert (tables.records, tables.messages, tables.index) == ({}, {}, {})
    assert not any(tables.members.values())
    left = tombstone(world, token)
    assert (left.positions, left.purposes, left.erasure, left.is_swept) == ({}, (), None, True)
    assert not [each for each in positions if each.hex() in repr(tables)]
    assert world.retained.due == {}


def test_an_erased_number_is_erased_while_the_tombstone_speaks_and_not_found_then(world: RightsWorld) -> None:
    token = world.stored()
    erased(world, of(token))
    assert problem_of(reveal(world, token)) == "erased"
    expires_at = world.retained.expires_at[RecordId("default", token)]
    assert expires_at == world.clock.now() + timedelta(days=90)
    world.clock.advance(timedelta(days=90))
    assert problem_of(reveal(world, token)) == "not-found"
    assert problem_of(world.call("Erase", of(token))) == "not-found"


def test_a_number_that_is_protected_again_has_a_new_token(world: RightsWorld) -> None:
    token = world.stored()
    erased(world)
    answer = world.protected(security={})
    assert (answer["created"], answer["token"] == token) == (True, False)
    assert "number" in reveal(world, answer["token"])
    assert problem_of(reveal(world, token)) == "erased"


def test_an_idempotency_key_that_leads_to_what_was_erased_is_erased(world: RightsWorld) -> None:
    request = {"subject_id": SUBJECT, "number": NUMBERS[0], "purposes": {"security": {}}, "idempotency_key": "try-1"}
    assert world.call("Protect", request)["created"]
    erased(world)
    assert problem_of(world.call("Protect", request)) == "erased"


def test_message_keys_go_too_and_the_next_one_is_of_the_next_generation(world: RightsWorld) -> None:
    message = world.encrypted()["message"]
    decrypt = {"subject_id": SUBJECT, "purpose": "security", "message": message}
    receipt = erased(world)
    assert (receipt["erased"], receipt["message_keys"], receipt["tokens"]["count"]) == (0, 1, 0)
    assert problem_of(world.call("Decrypt", decrypt)) == "erased"
    world.encrypted()
    (key,) = world.tables.message_keys.values()
    assert key.generation == 2
    assert world.tables.members[next(iter(world.tables.members))] == {"m#security"}
    assert problem_of(world.call("Decrypt", decrypt)) == "purpose-not-permitted"


def test_erasing_a_token_leaves_the_subjects_other_numbers_and_message_keys(world: RightsWorld) -> None:
    token, other = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    world.encrypted()
    assert erased(world, of(token))["erased"] == 1
    assert "number" in reveal(world, other)
    assert len(world.tables.message_keys) == 1


def test_another_subject_with_the_same_number_keeps_it(world: RightsWorld) -> None:
    world.stored()
    other = world.stored(subject="cust-2")
    erased(world)
    assert "number" in reveal(world, other)
    assert len(world.tables.index) == 1


def test_a_restricted_number_is_erased(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Restrict", {"subject_id": SUBJECT, "action": "restrict", "ground": "unlawful"})
    assert erased(world)["erased"] == 1
    assert problem_of(reveal(world, token)) == "erased"


def test_the_history_of_consents_survives(world: RightsWorld) -> None:
    world.stored(NUMBERS[0], ("marketing",), marketing={"consent": world.consent(1)})
    erased(world)
    assert [event.purpose for _, event in world.tables.consents] == ["marketing"]


# The receipt.


def test_a_receipt_counts_by_purpose_and_names_its_tokens_to_those_who_know_them(world: RightsWorld) -> None:
    tokens = [world.stored(NUMBERS[0], ("security", "delivery")), world.stored(NUMBERS[1])]
    world.encrypted()
    receipt = erased(world)
    assert (receipt["kind"], receipt["tenant_id"], receipt["reason"]) == ("erasure", "default", WHY["reason"])
    assert (receipt["erased"], receipt["message_keys"]) == (2, 1)
    assert receipt["by_purpose"] == {"delivery": 1, "security": 2}
    assert all(names_token(receipt, token) for token in tokens)
    assert receipt["final_at"] == to_text(world.clock.now() + KEY_RECOVERY)
    assert receipt["excludes"]
    assert not [token for token in tokens if token in json.dumps(receipt)]


def test_the_receipt_is_kept_and_no_token_stands_in_its_name(world: RightsWorld) -> None:
    token = world.stored()
    receipt = erased(world, of(token))
    (name,) = world.receipts.texts
    assert json.loads(world.receipts.texts[name]) == receipt
    assert token not in name


def test_erasing_what_was_erased_erases_nothing(world: RightsWorld) -> None:
    token = world.stored()
    first = erased(world)
    assert erased(world)["erased"] == 0
    assert erased(world, of(token))["erased"] == 0
    assert first["id"] not in (erased(world)["id"], erased(world, of(token))["id"])


def test_a_subject_with_nothing_stored_is_an_empty_success_and_leaves_no_row(world: RightsWorld) -> None:
    world.stored(subject="cust-2")
    receipt = erased(world)
    assert (receipt["erased"], receipt["message_keys"], receipt["blocked"]) == (0, 0, [])
    assert world.tables.subjects == {}


def test_an_unknown_token_is_not_found(world: RightsWorld) -> None:
    world.stored()
    assert problem_of(world.call("Erase", of("tok_" + "0" * 25))) == "not-found"


@pytest.mark.parametrize(
    ("payload", "faulty"),
    [
        ({**WHY}, [""]),
        ({**OF_SUBJECT, "token": "tok_" + "0" * 25}, [""]),
        ({"subject_id": SUBJECT}, ["/reason"]),
        ({"subject_id": SUBJECT, "reason": " "}, ["/reason"]),
        ({**OF_SUBJECT, "items": []}, ["/items"]),
    ],
    ids=["nobody", "both", "no reason", "an empty reason", "a batch"],
)
def test_a_request_of_another_shape_is_refused(world: RightsWorld, payload: dict[str, Any], faulty: list[str]) -> None:
    assert pointers(world.call("Erase", payload)) == faulty


def test_1000_numbers_go_in_one_call_with_their_leaves_in_the_receipt(world: RightsWorld) -> None:
    tokens = many(world, 1_000)
    world.at_once = 8
    world.start()
    receipt = erased(world)
    assert (receipt["erased"], len(receipt["leaves"])) == (1_000, 1_000)
    assert names_token(receipt, tokens[-1])
    assert not world.tables.records
    assert not world.tables.messages
    assert world.receipts.leaf_rows == {}


def test_of_more_numbers_the_leaves_are_in_rows_and_the_answer_has_them_all(world: RightsWorld) -> None:
    tokens = many(world, 1_001)
    receipt = erased(world)
    (stored,) = map(json.loads, world.receipts.texts.values())
    assert "leaves" not in stored
    assert [len(row) for row in world.receipts.leaf_rows.values()] == [1_000, 1]
    assert (receipt["tokens"]["count"], len(receipt["leaves"])) == (1_001, 1_001)
    assert all(names_token(receipt, token) for token in (tokens[0], tokens[-1]))


def many(world: RightsWorld, count: int) -> list[str]:
    """Tokens of one subject's numbers: copies of one record, each with a message and an entry."""
    first = world.record(world.stored())
    tables = world.tables
    (place,) = tables.index
    tokens = [first.token]
    for number in range(1, count):
        blind_index = number.to_bytes(32)
        position = replace(first.index_positions[place.version], blind_index=blind_index)
        record = replace(first, token=f"tok_{number:025}", index_positions={place.version: position})
        tables.records[RecordId("default", record.token)] = record
        tables.messages[RecordId("default", record.token)] = b"message"
        tables.index[place._replace(blind_index=blind_index)] = record.token
        tables.join(record)
        tokens.append(record.token)
    return tokens


# The audit trail.


def test_the_trail_names_the_tokens_before_they_are_destroyed(world: RightsWorld) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    erased(world)
    entries = [json.loads(entry.text) for entry in world.log.entries if entry.chain.startswith("Erase#")]
    assert [each["outcome"] for each in entries] == ["erasing", "shredding", "erased", "erasure-ended"]
    assert sorted(entries[1]["token"]) == sorted(tokens)
    assert entries[2]["details"]["receipt"].startswith("rcpt_")
    assert {each["reason"] for each in entries} == {WHY["reason"]}
    assert len({each["subject_ref"] for each in entries}) == 1


def test_without_the_trail_nothing_is_destroyed(world: RightsWorld) -> None:
    token = world.stored()
    world.log.failure = StoreUnavailable("DynamoDB does not answer")
    assert problem_of(world.call("Erase", of(token))) == "audit-unavailable"
    world.log.failure = None
    assert "number" in reveal(world, token)


# Holds.


def test_a_held_number_is_blocked_and_all_its_purposes_end(world: RightsWorld) -> None:
    token, other = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    hold(world, {"token": token})
    receipt = erased(world)
    assert (receipt["erased"], receipt["blocked"]) == (1, [{"token": token, "reason": "under-legal-hold"}])
    assert problem_of(reveal(world, token)) == "erased"
    assert "number" in reveal(world, token, "legal_hold", reason=CASE)
    assert problem_of(reveal(world, other)) == "erased"
    assert problem_of(world.protected(security={})) == "conflict"


def test_the_same_erase_while_it_is_blocked_gives_the_same_receipt(world: RightsWorld) -> None:
    token, _ = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    hold(world, {"token": token})
    first = erased(world)
    world.clock.advance(timedelta(days=1))
    assert erased(world) == first
    assert erased(world, of(token)) == first
    assert len(world.receipts.texts) == 1


def test_the_release_of_the_last_hold_destroys_and_proves_it(world: RightsWorld) -> None:
    token, _ = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    hold(world, {"token": token})
    first = erased(world)
    answer = release(world, {"token": token})
    assert answer["updated"] == [token]
    (receipt,) = answer["receipts"]
    assert (receipt["kind"], receipt["erased"], receipt["reason"]) == ("erasure", 1, WHY["reason"])
    assert names_token(receipt, token)
    assert receipt["id"] != first["id"]
    assert tombstone(world, token).is_swept
    assert world.subject().erasure is None
    assert world.protected(security={})["created"]
    assert problem_of(release(world, {"token": token})) == "erased"


def test_one_hold_of_two_does_not_end_the_wait(world: RightsWorld) -> None:
    token = world.stored()
    hold(world, {"token": token})
    hold(world, {"subject_id": SUBJECT})
    erased(world)
    assert release(world, {"token": token}) == {"updated": [token]}
    assert world.record(token).standing.is_held
    assert len(release(world, {"subject_id": SUBJECT})["receipts"]) == 1
    assert tombstone(world, token).is_swept


def test_held_message_keys_wait_too(world: RightsWorld) -> None:
    message = world.encrypted()["message"]
    hold(world, {"subject_id": SUBJECT})
    assert erased(world)["blocked"] == [{"token": None, "purpose": "security", "reason": "under-legal-hold"}]
    decrypt = {"subject_id": SUBJECT, "purpose": "security", "message": message}
    assert problem_of(world.call("Decrypt", decrypt)) == "erased"
    assert release(world, {"subject_id": SUBJECT})["receipts"][0]["message_keys"] == 1
    assert world.tables.message_keys == {}


def test_a_blocked_erasure_of_a_token_does_not_stop_the_subject(world: RightsWorld) -> None:
    token = world.stored()
    hold(world, {"token": token})
    first = erased(world, of(token))
    assert (first["erased"], len(first["blocked"])) == (0, 1)
    assert world.protected(NUMBERS[1], security={})["created"]
    assert problem_of(world.protected(security={})) == "conflict"
    assert erased(world, of(token)) == first
    release(world, {"token": token})
    assert world.protected(security={})["created"]


def test_a_hold_that_is_placed_between_the_read_and_the_shred_blocks(world: RightsWorld) -> None:
    token = world.stored()
    a_hold = Hold(CASE, Level.TOKEN)
    world.disturbances.before("retained.shred", lambda: world.retained.hold(RecordId("default", token), a_hold))
    receipt = erased(world)
    assert (receipt["erased"], len(receipt["blocked"])) == (0, 1)
    assert world.record(token).standing.erasure


def test_a_hold_that_goes_before_it_is_marked_blocks_no_more(world: RightsWorld) -> None:
    token = world.stored()
    hold(world, {"token": token})
    world.disturbances.before("retained.change", lambda: release(world, {"token": token}))
    assert erased(world)["erased"] == 1
    assert tombstone(world, token).is_swept


# Others at the same time.


def test_a_number_that_is_stored_while_the_subject_is_erased_is_refused(world: RightsWorld) -> None:
    world.stored()
    met: list[str | None] = []

    def protect() -> None:
        met.append(problem_of(world.protected(NUMBERS[1], security={})))
        met.append(problem_of(world.encrypted()))

    world.disturbances.before("retained.shred", protect)
    assert erased(world)["erased"] == 1
    assert met == ["conflict", "conflict"]
    assert world.protected(NUMBERS[1], security={})["created"]


def test_a_number_that_is_stored_just_before_is_seen(world: RightsWorld) -> None:
    world.stored()
    world.disturbances.before("subjects.write", lambda: world.stored(NUMBERS[1]))
    assert erased(world)["erased"] == 2


def test_a_batch_for_a_subject_that_is_erased_meanwhile_leaves_nothing_behind(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was answered as stored is erased, or was stored after the erasure."""
    numbers = [f"+44 7400 1234{place:02}" for place in range(40)]
    batch = {"subject_id": SUBJECT, "purposes": {"security": {}}, "items": [{"number": each} for each in numbers]}
    add, receipts, added = world.numbers.add, list[dict[str, Any]](), list[str]()

    def add_and_erase_halfway(number: NewNumber, entry: Entry) -> None:
        add(number, entry)
        added.append(number.record.token)
        if len(added) == len(numbers) // 2:
            receipts.append(erased(world))

    monkeypatch.setattr(world.numbers, "add", add_and_erase_halfway)
    results = world.call("Protect", batch)["results"]
    assert [each["erased"] for each in receipts] == [20]
    assert [problem_of(reveal(world, each["token"])) for each in results] == ["erased"] * 20 + [None] * 20


@pytest.mark.parametrize("seed", range(20))
def test_the_same_erase_at_once_erases_once_and_answers_alike(seed: int) -> None:
    world = RightsWorld()
    for number in NUMBERS:
        world.stored(number)
    world.encrypted()
    turns = Turns(seed)
    world.disturbances.take_turns = turns.take
    others = [RightStores(world.subjects, world.retained)] * 2
    calls = [instance(world, stores) for stores in others]
    receipts: list[dict[str, Any]] = []
    turns.run(*(lambda call=call: receipts.append(call(OF_SUBJECT)["receipt"]) for call in calls))
    counts = sorted((each["erased"], each["message_keys"]) for each in receipts)
    assert counts in ([(3, 1), (3, 1)], [(0, 0), (3, 1)])
    if counts[0] == (3, 1):
        assert receipts[0] == receipts[1]
    assert all(each.is_swept for each in world.tables.tombstones.values())
    assert world.subject().erasure is None


@pytest.mark.parametrize("seed", range(20))
def test_the_same_erase_of_a_token_at_once(seed: int) -> None:
    world = RightsWorld()
    token = world.stored()
    turns = Turns(seed)
    world.disturbances.take_turns = turns.take
    calls = [instance(world, RightStores(world.subjects, world.retained)) for _ in range(2)]
    receipts: list[dict[str, Any]] = []
    turns.run(*(lambda call=call: receipts.append(call(of(token))["receipt"]) for call in calls))
    assert sorted(each["erased"] for each in receipts) in ([1, 1], [0, 1])
    assert tombstone(world, token).is_swept


def instance(world: RightsWorld, stores: RightStores) -> Callable[[object], dict[str, Any]]:
    """Of Erase, with caches of its own."""
    ports = world.ports("Erase", Erase.mac_keys_from)
    function = Erase(stores, world.erasures(ports), **ports)
    return lambda payload: function(DIRECT, payload)


def test_several_records_at_once_are_as_good_as_one_after_the_other() -> None:
    world = RightsWorld(at_once=8)
    tokens = many(world, 100)
    assert erased(world)["erased"] == 100
    assert all(tombstone(world, token).is_swept for token in tokens)


# Crashes.


def test_a_signing_key_that_fails_leaves_what_the_next_call_proves(world: RightsWorld) -> None:
    token = world.stored()
    world.signer.is_disabled = True
    assert problem_of(world.call("Erase", OF_SUBJECT)) == "key-unavailable"
    assert problem_of(reveal(world, token)) == "erased"
    assert (world.tables.messages, world.tables.index) == ({}, {})
    world.signer.is_disabled = False
    assert erased(world)["erased"] == 1
    assert tombstone(world, token).is_swept


def end_state(world: RightsWorld) -> dict[str, Any]:
    """In a form that does not depend on chance."""
    tables = world.tables
    receipts = [json.loads(text) for text in world.receipts.texts.values()]
    return {
        "tables": (tables.records, tables.message_keys, tables.messages, tables.index, world.retained.due),
        "members": [members for members in tables.members.values() if members],
        "tombstones": sorted(
            (each.name[:2], each.positions, each.purposes, each.erasure, each.is_swept, each.generation, each.revision)
            for each in tables.tombstones.values()
        ),
        "subjects": [(row.erasure, row.cases) for row in tables.subjects.values()],
        "receipts": [
            {name: each[name] for name in ("erased", "message_keys", "by_purpose", "reason", "blocked")}
            for each in receipts
        ],
    }


def whole_subject(world: RightsWorld) -> dict[str, Any]:
    world.stored(NUMBERS[0], ("security", "delivery"))
    world.stored(NUMBERS[1])
    world.encrypted()
    return OF_SUBJECT


def one_number(world: RightsWorld) -> dict[str, Any]:
    return of(world.stored())


@pytest.mark.parametrize("prepared", [whole_subject, one_number])
def test_an_erase_killed_after_each_call_of_a_port_and_run_again_ends_as_undisturbed(
    prepared: Callable[[RightsWorld], dict[str, Any]],
) -> None:
    undisturbed = RightsWorld()
    payload = prepared(undisturbed)
    calls_before = len(undisturbed.disturbances.calls)
    undisturbed.call("Erase", payload)
    expected = end_state(undisturbed)
    calls = len(undisturbed.disturbances.calls) - calls_before
    assert calls > 5
    for survived in range(1, calls + 1):
        world = RightsWorld()
        payload = prepared(world)
        assert world.killed_after(survived, "Erase", payload)
        world.start()
        world.call("Erase", payload)
        state = end_state(world)
        # What was finished, and not answered, is asked for once more: of nothing there is a receipt too.
        more = [each for each in state["receipts"] if each not in expected["receipts"]]
        assert all(each["erased"] == each["message_keys"] == 0 for each in more), survived
        state["receipts"] = [each for each in state["receipts"] if each not in more]
        assert state == expected, survived


def test_a_release_killed_after_each_call_of_a_port_and_run_again_leaves_nothing() -> None:
    def prepared() -> tuple[RightsWorld, str]:
        world = RightsWorld()
        token = world.stored()
        world.stored(NUMBERS[1])
        world.encrypted()
        hold(world, {"subject_id": SUBJECT})
        erased(world)
        return world, token

    world, token = prepared()
    before = len(world.disturbances.calls)
    payload = {"subject_id": SUBJECT, "action": "release", "case_id": CASE}
    assert world.call("Hold", payload)["receipts"][0]["erased"] == 2
    calls = len(world.disturbances.calls) - before
    expected = end_state(world)
    for survived in range(1, calls + 1):
        world, token = prepared()
        assert world.killed_after(survived, "Hold", payload)
        world.start()
        world.call("Hold", payload)
        state = end_state(world)
        assert tombstone(world, token).is_swept, survived
        assert {**state, "receipts": []} == {**expected, "receipts": []}, survived
        assert sum(each["erased"] for each in state["receipts"]) >= 2


def test_what_was_shredded_stands_among_what_is_due_until_it_is_swept(world: RightsWorld) -> None:
    token = world.stored()
    world.disturbances.before("retained.clear", _die)
    with pytest.raises(Killed):
        world.call("Erase", of(token))
    assert world.retained.due[RecordId("default", token)].startswith(f"{world.clock.now():%Y-%m-%d}#")
    assert not tombstone(world, token).is_swept


def _die() -> None:
    raise Killed
