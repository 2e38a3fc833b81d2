"""Which of several problems is reported."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.services.world import DIRECT, SENDER, World

PROTECT: dict[str, Any] = {"subject_id": "cust-1", "number": "+44 7400 123456", "purposes": {"security": {}}}
UNKNOWN_TOKEN = "tok_" + "0" * 25


@pytest.fixture
def world() -> World:
    return World()


def test_shape_comes_before_the_principal(world: World) -> None:
    assert world.problem("Lookup", {"number": "+44 740", "purpose": "delivery"}, SENDER) == "invalid-number"


def test_a_subject_id_that_is_no_pseudonym_comes_before_the_principal(world: World) -> None:
    payload = PROTECT | {"subject_id": "a@example.org"}
    assert world.problem("Protect", payload, SENDER) == "identifier-not-pseudonymous"


def test_the_principal_comes_before_an_unregistered_purpose(world: World) -> None:
    payload = {"number": "+44 7400 123456", "purpose": "party"}
    assert world.problem("Lookup", payload, SENDER) == "principal-not-permitted"


def test_the_principal_comes_before_a_missing_consent(world: World) -> None:
    payload = PROTECT | {"tenant_id": "acme", "purposes": {"marketing": {}}}
    assert world.problem("Protect", payload, SENDER) == "principal-not-permitted"


def test_the_principal_comes_before_an_unknown_token(world: World) -> None:
    payload = {"tenant_id": "acme", "token": UNKNOWN_TOKEN, "purpose": "security"}
    assert world.problem("Reveal", payload, SENDER) == "principal-not-permitted"


def test_an_unregistered_purpose_comes_before_a_missing_consent(world: World) -> None:
    payload = PROTECT | {"purposes": {"marketing": {}, "party": {}}}
    assert world.problem("Protect", payload) == "purpose-not-registered"


def test_an_unregistered_purpose_comes_before_an_unknown_token(world: World) -> None:
    assert world.problem("Reveal", {"token": UNKNOWN_TOKEN, "purpose": "party"}) == "purpose-not-registered"


def test_an_unknown_token_comes_before_the_purpose_s_end(world: World) -> None:
    assert world.problem("Reveal", {"token": UNKNOWN_TOKEN, "purpose": "security"}) == "not-found"


def test_a_purpose_that_was_never_granted_is_not_permitted(world: World) -> None:
    token = world.call("Protect", PROTECT)["token"]
    assert world.problem("Reveal", {"token": token, "purpose": "delivery"}) == "purpose-not-permitted"


def test_a_purpose_that_has_ended_is_not_permitted(world: World) -> None:
    token = world.call("Protect", PROTECT)["token"]
    world.clock.advance(timedelta(days=90))
    assert world.problem("Reveal", {"token": token, "purpose": "security"}) == "purpose-not-permitted"


def test_another_tenant_s_token_is_not_found(world: World) -> None:
    token = world.call("Protect", PROTECT)["token"]
    payload = {"tenant_id": "other", "token": token, "purpose": "security"}
    assert world.problem("Reveal", payload) == "not-found"


def test_a_consent_for_a_purpose_of_another_basis_is_an_invalid_request(world: World) -> None:
    consent = {"consent": {"given_at": "2025-12-31T00:00:00Z", "evidence": "form 7"}}
    assert world.problem("Protect", PROTECT | {"purposes": {"security": consent}}) == "invalid-request"


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_an_empty_request_names_every_missing_field(world: World, function: str) -> None:
    required = {
        "Protect": {"/subject_id", "/number", "/purposes"},
        "Reveal": {"/token", "/purpose"},
        "Lookup": {"/number", "/purpose"},
        "Verify": {"/token", "/number", "/purpose"},
    }
    errors = world.call(function, {}, DIRECT)["problem"]["errors"]
    assert {fault["pointer"] for fault in errors} == required[function]
