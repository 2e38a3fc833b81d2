"""Rights of data subjects in a tenant of which nothing was ever stored."""

from typing import Any

import pytest

from phone_vault.domain.audit import Entry, Event
from tests.unit.services.rights_world import NUMBERS, SUBJECT, RightsWorld, problem_of
from tests.unit.services.world import DIRECT

UNKNOWN = "tok_" + "0" * 25
OF_SUBJECT = {"subject_id": SUBJECT}
PLACE = {"action": "place", "case_id": "case 7", "reason": "court order"}
RELEASE = {"action": "release", "case_id": "case 7"}
RESTRICT = {"action": "restrict", "ground": "accuracy"}
LIFT = {"action": "lift"}
WITHDRAW = {"action": "withdraw", "purpose": "marketing"}
ERASE = {"reason": "asked for by letter"}
REMEMBERED: dict[str, dict[str, str]] = {"Hold": PLACE, "Restrict": RESTRICT, "Consent": WITHDRAW}
EVERYTHING: list[tuple[str, dict[str, str]]] = [
    *REMEMBERED.items(),
    ("Hold", RELEASE),
    ("Restrict", LIFT),
    ("Erase", ERASE),
]


@pytest.fixture
def world() -> RightsWorld:
    return RightsWorld()


def granting(world: RightsWorld) -> dict[str, Any]:
    return {"action": "grant", "purpose": "marketing", **world.consent()}


def off_board(world: RightsWorld, tenant_id: str) -> None:
    with world.functions["Lookup"].trail.writing([Event("off-boarding", DIRECT, tenant_id=tenant_id)]) as [written]:
        world.key_ring_store.off_board(tenant_id, world.clock.now(), written)


def entry(world: RightsWorld) -> Entry:
    """The only one."""
    (written,) = world.log.entries
    return written


@pytest.mark.parametrize("function", REMEMBERED)
def test_what_binds_later_numbers_makes_the_tenants_keys_and_is_written(world: RightsWorld, function: str) -> None:
    answer = world.call(function, {**OF_SUBJECT, **REMEMBERED[function]})
    assert answer["updated"] == []
    assert world.key_ring_store.keys_of("default").keys
    assert world.subject().revision == 1
    assert '"default/1"' in entry(world).text


def test_a_hold_placed_before_the_first_number_covers_it(world: RightsWorld) -> None:
    world.call("Hold", {**OF_SUBJECT, **PLACE})
    assert world.standing(world.stored()).is_held


def test_a_restriction_before_the_first_number_refuses_it(world: RightsWorld) -> None:
    world.call("Restrict", {**OF_SUBJECT, **RESTRICT})
    assert problem_of(world.protected(security={})) == "restricted"


def test_a_consent_withdrawn_before_the_first_number_does_not_count_for_it(world: RightsWorld) -> None:
    world.call("Consent", {**OF_SUBJECT, **WITHDRAW})
    given = world.consent(days_ago=1)
    assert problem_of(world.protected(marketing={"consent": given})) == "consent-required"


def test_a_lift_with_nothing_stored_is_an_empty_success_that_makes_no_keys(world: RightsWorld) -> None:
    assert world.call("Restrict", {**OF_SUBJECT, **LIFT}) == {"updated": []}
    assert not world.key_ring_store.keys_of("default").keys
    assert world.tables.subjects == {}
    assert '"lifted"' in entry(world).text


def test_a_grant_with_nothing_stored_is_an_empty_success_that_makes_no_keys(world: RightsWorld) -> None:
    assert world.call("Consent", {**OF_SUBJECT, **granting(world)}) == {"updated": [], "purposes": {}}
    assert not world.key_ring_store.keys_of("default").keys
    assert (world.tables.subjects, world.tables.consents) == ({}, [])
    assert '"granted"' in entry(world).text


def test_an_erasure_with_nothing_stored_has_a_receipt_of_nothing_and_makes_no_keys(world: RightsWorld) -> None:
    answer = world.call("Erase", {**OF_SUBJECT, **ERASE})
    assert (answer["erased"], answer["message_keys"], answer["blocked"]) == (0, 0, [])
    assert answer["receipt"]["erased"] == 0
    assert not world.key_ring_store.keys_of("default").keys
    assert world.tables.subjects == {}
    assert '"erased"' in entry(world).text


def test_a_case_that_nobody_has_placed_is_not_found(world: RightsWorld) -> None:
    assert world.problem("Hold", {**OF_SUBJECT, **RELEASE}) == "not-found"
    assert not world.key_ring_store.keys_of("default").keys


@pytest.mark.parametrize(("function", "request_"), EVERYTHING)
def test_a_token_is_not_found_and_makes_no_keys(world: RightsWorld, function: str, request_: dict[str, str]) -> None:
    assert world.problem(function, {"token": UNKNOWN, **request_}) == "not-found"
    assert not world.key_ring_store.keys_of("default").keys


@pytest.mark.parametrize(("function", "request_"), EVERYTHING)
def test_an_off_boarded_tenant_is_not_found(world: RightsWorld, function: str, request_: dict[str, str]) -> None:
    world.stored(NUMBERS[0])
    off_board(world, "default")
    written = dict(world.tables.subjects)
    assert world.problem(function, {**OF_SUBJECT, **request_}) == "not-found"
    assert world.tables.subjects == written


def test_a_tenant_that_was_off_boarded_before_its_first_number_gets_no_keys(world: RightsWorld) -> None:
    off_board(world, "acme")
    assert world.problem("Hold", {"tenant_id": "acme", **OF_SUBJECT, **PLACE}) == "not-found"
    assert not world.key_ring_store.keys_of("acme").keys
