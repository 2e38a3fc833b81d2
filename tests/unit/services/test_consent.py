"""Consent on fakes: granted and withdrawn, of a number and of a subject, with its history."""

import json
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.consent import Consent, ConsentAction
from phone_vault.domain.moments import from_text, to_text
from phone_vault.domain.ports import RecordId
from phone_vault.domain.standing import Ended, Ending
from tests.unit.services.rights_world import NUMBERS, SUBJECT, RightsWorld, pointers

UNKNOWN = "tok_" + "0" * 25
MARKETING = ("marketing",)


@pytest.fixture
def world() -> RightsWorld:
    return RightsWorld()


def grant(world: RightsWorld, whom: str = SUBJECT, days_ago: float = 0, **more: Any) -> dict[str, Any]:
    return {**named(whom), "purpose": "marketing", "action": "grant", **world.consent(days_ago), **more}


def withdraw(whom: str = SUBJECT, **more: Any) -> dict[str, Any]:
    return {**named(whom), "purpose": "marketing", "action": "withdraw", **more}


def named(whom: str) -> dict[str, str]:
    return {"token" if whom.startswith("tok_") else "subject_id": whom}


def consenting(world: RightsWorld, number: str = NUMBERS[0], days_ago: float = 1) -> str:
    """The token of a number that is stored for marketing and security."""
    return world.stored(number, ("marketing", "security"), marketing={"consent": world.consent(days_ago)})


def history(world: RightsWorld) -> list[tuple[ConsentAction, str | None]]:
    return [(event.action, event.token) for _, event in world.tables.consents]


def revealed(world: RightsWorld, token: str, purpose: str = "marketing") -> dict[str, Any]:
    return world.call("Reveal", {"token": token, "purpose": purpose})


def problem(answer: dict[str, Any]) -> str:
    return str(answer["problem"]["type"]).removeprefix("urn:phone-vault:problem:")


# Granting.


def test_a_grant_by_token_adds_the_purpose_to_that_number(world: RightsWorld) -> None:
    token, other = world.stored(NUMBERS[0]), world.stored(NUMBERS[1])
    answer = world.call("Consent", grant(world, token))
    assert answer["updated"] == [token]
    assert set(answer["purposes"]) == {"marketing", "security"}
    assert "number" in revealed(world, token)
    assert problem(revealed(world, other)) == "purpose-not-permitted"


def test_the_retention_counts_from_the_consent(world: RightsWorld) -> None:
    token = world.stored()
    answer = world.call("Consent", grant(world, token, days_ago=100))
    end = from_text(answer["purposes"]["marketing"]["expires_at"])
    assert end == world.clock.now() + timedelta(days=265)


def test_a_grant_by_subject_reaches_all_its_numbers(world: RightsWorld) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    other = world.stored(subject="cust-2")
    assert sorted(world.call("Consent", grant(world))["updated"]) == sorted(tokens)
    assert all("number" in revealed(world, token) for token in tokens)
    assert problem(revealed(world, other)) == "purpose-not-permitted"


def test_of_a_subject_the_latest_end_of_a_purpose_is_answered(world: RightsWorld) -> None:
    consenting(world, NUMBERS[0], days_ago=1)
    consenting(world, NUMBERS[1], days_ago=50)
    answer = world.call("Consent", grant(world, days_ago=20))
    end = from_text(answer["purposes"]["marketing"]["expires_at"])
    assert end == world.clock.now() + timedelta(days=364)


def test_a_newer_consent_moves_a_live_purpose_and_an_older_one_does_not(world: RightsWorld) -> None:
    token = consenting(world, days_ago=50)
    assert world.call("Consent", grant(world, token, days_ago=60))["updated"] == []
    assert world.call("Consent", grant(world, token, days_ago=50))["updated"] == []
    assert world.call("Consent", grant(world, token, days_ago=40))["updated"] == [token]


def test_a_grant_moves_the_subjects_live_message_key(world: RightsWorld) -> None:
    message = world.encrypted("marketing", consent=world.consent(50))["message"]
    assert world.call("Consent", grant(world, days_ago=10))["updated"] == []
    (key,) = world.tables.message_keys.values()
    assert key.grants["marketing"].consent == Consent(world.clock.now() - timedelta(days=10), "form 12")
    decrypt = {"subject_id": SUBJECT, "purpose": "marketing", "message": message}
    assert "number" in world.call("Decrypt", decrypt)


def test_a_grant_by_token_leaves_the_message_key_alone(world: RightsWorld) -> None:
    token = consenting(world)
    world.encrypted("marketing", consent=world.consent(50))
    before = dict(world.tables.message_keys)
    world.call("Consent", grant(world, token))
    assert world.tables.message_keys == before


def test_a_message_key_granted_anew_does_not_revive_messages_of_before(world: RightsWorld) -> None:
    message = world.encrypted("marketing", consent=world.consent(1))["message"]
    world.call("Consent", withdraw())
    world.clock.advance(timedelta(seconds=1))
    world.call("Consent", grant(world))
    decrypt = {"subject_id": SUBJECT, "purpose": "marketing"}
    assert world.problem("Decrypt", {**decrypt, "message": message}) == "purpose-not-permitted"
    again = world.encrypted("marketing")["message"]
    assert "number" in world.call("Decrypt", {**decrypt, "message": again})


def test_a_grant_is_refused_before_anything_is_written_if_one_number_refuses(world: RightsWorld) -> None:
    tokens = [world.stored(number) for number in NUMBERS]
    world.call("Restrict", {"token": sorted(tokens)[-1], "action": "restrict", "ground": "claims"})
    before = world.state(tokens)
    assert world.problem("Consent", grant(world)) == "restricted"
    assert world.state(tokens) == before


def test_a_subject_with_nothing_stored_is_an_empty_success(world: RightsWorld) -> None:
    world.stored(subject="cust-2")
    assert world.call("Consent", grant(world)) == {"updated": [], "purposes": {}}
    assert world.call("Consent", withdraw()) == {"updated": [], "purposes": {}}


# Withdrawing.


def test_a_withdrawal_by_token_ends_the_purpose_at_once(world: RightsWorld) -> None:
    token, other = consenting(world, NUMBERS[0]), consenting(world, NUMBERS[1])
    answer = world.call("Consent", withdraw(token))
    assert (answer["updated"], set(answer["purposes"])) == ([token], {"security"})
    assert problem(revealed(world, token)) == "purpose-not-permitted"
    assert "number" in revealed(world, other)
    assert "number" in revealed(world, token, "security")


def test_a_withdrawal_by_subject_ends_it_for_all_its_numbers_and_messages(world: RightsWorld) -> None:
    tokens = [consenting(world, number) for number in NUMBERS]
    message = world.encrypted("marketing", consent=world.consent(1))["message"]
    assert sorted(world.call("Consent", withdraw())["updated"]) == sorted(tokens)
    assert {problem(revealed(world, token)) for token in tokens} == {"purpose-not-permitted"}
    decrypt = {"subject_id": SUBJECT, "purpose": "marketing", "message": message}
    assert world.problem("Decrypt", decrypt) == "purpose-not-permitted"


def test_a_withdrawal_by_token_leaves_the_subjects_messages_alone(world: RightsWorld) -> None:
    token = consenting(world)
    message = world.encrypted("marketing", consent=world.consent(1))["message"]
    world.call("Consent", withdraw(token))
    assert "number" in world.call("Decrypt", {"subject_id": SUBJECT, "purpose": "marketing", "message": message})


def test_a_withdrawal_again_updates_nothing(world: RightsWorld) -> None:
    token = consenting(world)
    world.call("Consent", withdraw(token))
    assert world.call("Consent", withdraw(token))["updated"] == []
    world.clock.advance(timedelta(days=90))
    assert world.call("Consent", withdraw())["updated"] == []


def test_a_withdrawal_of_what_was_never_granted_updates_nothing(world: RightsWorld) -> None:
    world.stored()
    assert world.call("Consent", withdraw())["updated"] == []


def test_what_is_restricted_is_withdrawn_all_the_same(world: RightsWorld) -> None:
    """GDPR Art. 7(3): at any time."""
    token = consenting(world)
    world.call("Restrict", {"token": token, "action": "restrict", "ground": "claims"})
    assert world.call("Consent", withdraw(token))["updated"] == [token]


# A consent of before a withdrawal, and one of after it.


@pytest.mark.parametrize("level", ["token", "subject"])
def test_a_consent_that_is_not_newer_than_the_withdrawal_is_refused(world: RightsWorld, level: str) -> None:
    token = consenting(world)
    world.call("Consent", withdraw(token if level == "token" else SUBJECT))
    of_the_same_second = grant(world, token)
    world.clock.advance(timedelta(days=30))
    for stale in (of_the_same_second, grant(world, token, days_ago=31)):
        assert world.problem("Consent", stale) == "consent-required"
    protect = {"subject_id": SUBJECT, "number": NUMBERS[0]}
    purposes = {"marketing": {"consent": world.consent(30)}}
    assert world.problem("Protect", {**protect, "purposes": purposes}) == "consent-required"


@pytest.mark.parametrize("whom", ["token", "subject"])
def test_a_consent_that_is_newer_than_the_withdrawal_grants_anew(world: RightsWorld, whom: str) -> None:
    token = consenting(world)
    world.call("Consent", withdraw(token if whom == "token" else SUBJECT))
    world.clock.advance(timedelta(seconds=1))
    assert world.call("Consent", grant(world, token if whom == "token" else SUBJECT))["updated"] == [token]
    assert "number" in revealed(world, token)


def test_a_number_that_lacks_the_purpose_is_not_granted_it_by_a_consent_of_before(world: RightsWorld) -> None:
    world.stored()
    world.call("Consent", withdraw())
    world.clock.advance(timedelta(days=1))
    purposes = {"marketing": {"consent": world.consent(2)}}
    payload = {"subject_id": SUBJECT, "number": NUMBERS[0], "purposes": purposes}
    assert world.problem("Protect", payload) == "consent-required"


def test_a_number_stored_later_needs_a_newer_consent_at_once_and_whenever_it_is_protected_again(
    world: RightsWorld,
) -> None:
    consenting(world, NUMBERS[0])
    world.call("Consent", withdraw())
    world.clock.advance(timedelta(days=2))
    protect = {"subject_id": SUBJECT, "number": NUMBERS[1]}
    stale = {"marketing": {"consent": world.consent(3)}}
    newer = {"marketing": {"consent": world.consent(1)}}
    assert world.problem("Protect", {**protect, "purposes": stale}) == "consent-required"
    world.call("Protect", {**protect, "purposes": {"security": {}}})
    assert world.problem("Protect", {**protect, "purposes": stale}) == "consent-required"
    assert "marketing" in world.call("Protect", {**protect, "purposes": newer})["purposes"]


def test_a_message_key_made_later_needs_a_newer_consent(world: RightsWorld) -> None:
    world.stored()
    world.call("Consent", withdraw())
    world.clock.advance(timedelta(days=2))
    encrypt = {"subject_id": SUBJECT, "number": NUMBERS[0], "purpose": "marketing"}
    assert world.problem("Encrypt", {**encrypt, "consent": world.consent(3)}) == "consent-required"
    assert "message" in world.call("Encrypt", {**encrypt, "consent": world.consent(1)})


def test_a_withdrawal_by_token_does_not_bind_numbers_stored_later(world: RightsWorld) -> None:
    world.call("Consent", withdraw(consenting(world, NUMBERS[0])))
    assert "number" in revealed(world, consenting(world, NUMBERS[1], days_ago=5))


def test_the_later_of_two_withdrawals_counts(world: RightsWorld) -> None:
    token = consenting(world)
    world.call("Consent", withdraw())
    world.clock.advance(timedelta(days=10))
    world.call("Consent", withdraw())
    world.clock.advance(timedelta(days=1))
    assert world.problem("Consent", grant(world, token, days_ago=5)) == "consent-required"


# Refusals, and their order.


def test_a_purpose_of_another_basis_is_an_invalid_request(world: RightsWorld) -> None:
    token = world.stored()
    assert pointers(world.call("Consent", grant(world, token, purpose="security"))) == ["/purpose"]
    assert pointers(world.call("Consent", withdraw(purpose="security"))) == ["/purpose"]


def test_a_purpose_that_the_policy_does_not_know_is_not_registered(world: RightsWorld) -> None:
    assert world.problem("Consent", grant(world, UNKNOWN, purpose="party")) == "purpose-not-registered"
    (entry,) = world.last_events(1)
    assert "party" not in entry


def test_a_consent_older_than_its_retention_is_refused_before_the_token_is_looked_for(world: RightsWorld) -> None:
    world.stored()
    assert world.problem("Consent", grant(world, UNKNOWN, days_ago=365)) == "consent-required"
    assert world.problem("Consent", grant(world, UNKNOWN, days_ago=364)) == "not-found"


def test_on_a_restricted_number_a_grant_is_refused(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Restrict", {"subject_id": SUBJECT, "action": "restrict", "ground": "claims"})
    assert world.problem("Consent", grant(world, token)) == "restricted"
    assert world.problem("Consent", grant(world)) == "restricted"


def objected(world: RightsWorld, token: str) -> None:
    """As an upheld objection leaves it."""
    record = world.record(token)
    standing = record.standing.ending("marketing", Ended(world.clock.now(), Ending.OBJECTED))
    world.tables.write(record, standing=standing)


def test_after_an_objection_a_grant_is_not_permitted(world: RightsWorld) -> None:
    token = consenting(world)
    objected(world, token)
    world.clock.advance(timedelta(days=1))
    assert world.problem("Consent", grant(world, token)) == "purpose-not-permitted"
    assert world.problem("Consent", grant(world)) == "purpose-not-permitted"


def test_a_withdrawal_does_not_undo_an_objection(world: RightsWorld) -> None:
    token = consenting(world)
    objected(world, token)
    world.clock.advance(timedelta(days=1))
    world.call("Consent", withdraw())
    assert world.standing(token).ended["marketing"].why is Ending.OBJECTED


def test_a_restriction_is_told_before_an_objection(world: RightsWorld) -> None:
    token = consenting(world)
    objected(world, token)
    world.call("Restrict", {"token": token, "action": "restrict", "ground": "claims"})
    world.clock.advance(timedelta(days=1))
    assert world.problem("Consent", grant(world, token)) == "restricted"


NOW = "2026-01-01T00:00:00Z"
GRANT = {"subject_id": SUBJECT, "purpose": "marketing", "action": "grant", "given_at": NOW, "evidence": "form 12"}
FAULTS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing": ({}, ["", "/purpose", "/action"]),
    "a grant of nothing": (withdraw(action="grant"), ["/given_at", "/evidence"]),
    "the future": (GRANT | {"given_at": "2026-01-01T00:00:01Z"}, ["/given_at"]),
    "no time": (GRANT | {"given_at": "yesterday"}, ["/given_at"]),
    "a time of another type": (GRANT | {"given_at": 7}, ["/given_at"]),
    "no evidence": (GRANT | {"evidence": ""}, ["/evidence"]),
    "evidence of another type": (GRANT | {"evidence": ["form"]}, ["/evidence"]),
    "long evidence": (GRANT | {"evidence": "x" * 501}, ["/evidence"]),
    "a number in the evidence": (GRANT | {"evidence": "sms from +44 7400 123456"}, ["/evidence"]),
    "a number in the reason": (withdraw(reason="sms from +44 7400 123456"), ["/reason"]),
    "a withdrawal with evidence": (withdraw(evidence="form 13"), ["/evidence"]),
    "no purpose's name": (withdraw(purpose="Party!"), ["/purpose"]),
    "items": (withdraw(items=[]), ["/items"]),
    "a nested consent": (withdraw(consent={}), ["/consent"]),
}


@pytest.mark.parametrize(("payload", "where"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_request_is_refused(world: RightsWorld, payload: dict[str, Any], where: list[str]) -> None:
    world.stored()
    assert pointers(world.call("Consent", payload)) == where
    assert not world.tables.subjects
    assert not world.tables.consents


# History.


def test_each_consent_and_withdrawal_is_a_line_of_the_history(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Consent", grant(world, token))
    world.call("Consent", withdraw(token))
    world.clock.advance(timedelta(days=1))
    world.call("Consent", grant(world))
    world.call("Consent", withdraw())
    assert history(world) == [
        (ConsentAction.GRANT, token),
        (ConsentAction.WITHDRAW, token),
        (ConsentAction.GRANT, None),
        (ConsentAction.WITHDRAW, None),
    ]


def test_a_consent_of_a_subject_is_one_line_however_many_its_numbers(world: RightsWorld) -> None:
    for number in NUMBERS:
        world.stored(number)
    world.call("Consent", grant(world))
    ((_, event),) = world.tables.consents
    assert (event.token, event.consent) == (None, Consent(world.clock.now(), "form 12"))


def test_the_line_of_a_consent_is_not_repeated_when_it_reaches_further_numbers(world: RightsWorld) -> None:
    world.stored(NUMBERS[0])
    asked = grant(world)
    world.call("Consent", asked)
    world.clock.advance(timedelta(days=3))
    later = world.stored(NUMBERS[1])
    assert world.call("Consent", asked)["updated"] == [later]
    assert len(world.tables.consents) == 1


def test_what_changes_nothing_leaves_no_line(world: RightsWorld) -> None:
    token = consenting(world)
    lines = len(world.tables.consents)
    world.call("Consent", grant(world, token, days_ago=5))
    world.call("Consent", grant(world, days_ago=5))
    assert len(world.tables.consents) == lines


def test_the_proof_is_kept_beyond_the_longest_retention(world: RightsWorld) -> None:
    world.call("Consent", grant(world, world.stored()))
    ((_, event),) = world.tables.consents
    assert event.kept_until == world.clock.now() + timedelta(days=365 + 1095)


def test_entries_say_what_was_granted_and_withdrawn(world: RightsWorld) -> None:
    token = world.stored()
    world.call("Consent", grant(world, token))
    world.call("Consent", withdraw())
    granted, of_subject, of_number = (json.loads(text) for text in world.last_events(3))
    assert (granted["outcome"], of_subject["outcome"], of_number["outcome"]) == ("granted", "withdrawn", "withdrawn")
    assert granted["details"] == {"given_at": to_text(world.clock.now())}
    assert granted["purpose"] == of_subject["purpose"] == of_number["purpose"] == ["marketing"]
    assert (granted["token"], of_number["token"], "token" in of_subject) == ([token], [token], False)


# A reveal in flight, and other callers at once.


def test_a_withdrawal_is_effective_for_the_next_reveal_on_every_instance(world: RightsWorld) -> None:
    token = consenting(world)
    warm = [world.another() for _ in range(3)]
    assert all("number" in revealed(each, token) for each in warm)
    world.call("Consent", withdraw())
    assert {problem(revealed(each, token)) for each in warm} == {"purpose-not-permitted"}


def test_a_reveal_in_flight_that_still_has_to_write_is_refused(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first use of a day is written on the revision that was read."""
    token = consenting(world)
    read = world.numbers.records_and_messages

    def reading(record_ids: Any) -> Any:
        found = read(record_ids)
        monkeypatch.undo()
        world.call("Consent", withdraw())
        return found

    monkeypatch.setattr(world.numbers, "records_and_messages", reading)
    assert problem(revealed(world, token)) == "purpose-not-permitted"


def test_a_reveal_in_flight_that_has_only_to_answer_is_the_last(
    world: RightsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = consenting(world)
    revealed(world, token)
    read = world.numbers.records_and_messages

    def reading(record_ids: Any) -> Any:
        found = read(record_ids)
        monkeypatch.undo()
        world.call("Consent", withdraw())
        return found

    monkeypatch.setattr(world.numbers, "records_and_messages", reading)
    assert "number" in revealed(world, token)
    assert problem(revealed(world, token)) == "purpose-not-permitted"


@pytest.mark.parametrize("call", ["subjects.read", "subjects.write", "subjects.members", "retained.change"])
def test_a_number_stored_while_the_consent_is_withdrawn_is_bound_by_it(world: RightsWorld, call: str) -> None:
    consenting(world, NUMBERS[0])
    purposes = {"marketing": {"consent": world.consent(1)}}
    protect = {"subject_id": SUBJECT, "number": NUMBERS[1], "purposes": purposes}
    world.disturbances.before(call, lambda: world.call("Protect", protect))
    world.call("Consent", withdraw())
    tokens = [record_id.token for record_id in world.tables.records]
    assert {problem(revealed(world, token)) for token in tokens} == {"purpose-not-permitted"}


@pytest.mark.parametrize("call", ["subjects.members", "retained.read", "retained.change"])
def test_a_consent_of_before_that_is_brought_in_during_a_withdrawal_is_withdrawn_too(
    world: RightsWorld, call: str
) -> None:
    token = world.stored()
    stale = grant(world, token, days_ago=1)

    def later() -> None:
        world.clock.advance(timedelta(seconds=2))  # a withdrawal takes its time, and is of when it began
        world.another().call("Consent", stale)

    world.disturbances.before(call, later)
    world.call("Consent", withdraw())
    assert problem(revealed(world, token)) == "purpose-not-permitted"


def test_what_an_application_writes_at_the_same_time_is_not_lost(world: RightsWorld) -> None:
    token = world.stored()
    world.disturbances.before("retained.change", lambda: world.stored(purposes=("delivery",)))
    world.call("Consent", grant(world, token))
    assert world.record(token).grants.keys() == {"security", "delivery", "marketing"}


def test_a_number_that_is_restricted_during_a_grant_is_not_granted(world: RightsWorld) -> None:
    token = world.stored()
    restrict = {"token": token, "action": "restrict", "ground": "claims"}
    world.disturbances.before("retained.change", lambda: world.call("Restrict", restrict))
    assert world.problem("Consent", grant(world, token)) == "restricted"
    assert "marketing" not in world.tables.records[RecordId("default", token)].grants


# Crashes.


def prepared(action: str, level: str) -> tuple[RightsWorld, list[str], dict[str, Any]]:
    world = RightsWorld()
    tokens = [consenting(world, number, days_ago=9) for number in NUMBERS]
    world.encrypted("marketing", consent=world.consent(9))
    world.encrypted("security")
    whom = tokens[1] if level == "token" else SUBJECT
    return world, tokens, grant(world, whom) if action == "grant" else withdraw(whom)


@pytest.mark.parametrize("level", ["token", "subject"])
@pytest.mark.parametrize("action", ["grant", "withdraw"])
def test_a_call_that_dies_anywhere_and_comes_again_ends_as_if_it_had_not(action: str, level: str) -> None:
    world, tokens, payload = prepared(action, level)
    world.call("Consent", payload)
    undisturbed = world.state(tokens)
    deaths = 0
    while True:
        world, tokens, payload = prepared(action, level)
        if not world.killed_after(deaths + 1, "Consent", payload):
            break
        deaths += 1
        world.start()
        assert "updated" in world.call("Consent", payload)
        assert world.state(tokens) == undisturbed
    assert deaths >= (2 if level == "token" else 7)


@pytest.mark.parametrize("level", ["token", "subject"])
def test_a_withdrawal_that_dies_and_comes_again_months_later_has_ended_the_purpose(level: str) -> None:
    deaths = 0
    while True:
        world, tokens, payload = prepared("withdraw", level)
        if not world.killed_after(deaths + 1, "Consent", payload):
            break
        deaths += 1
        world.clock.advance(timedelta(days=100))
        world.start()
        world.call("Consent", payload)
        for token in tokens if level == "subject" else tokens[1:2]:
            assert problem(revealed(world, token)) == "purpose-not-permitted"
