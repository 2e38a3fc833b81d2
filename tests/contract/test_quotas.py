"""Quotas, to the letter of the contract."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.support.messages import decrypt, encrypt, invoke_decrypt
from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.policy import EVERYONE, POLICY, SENDER
from tests.integration.support.vault import Vault, open_vault, problem

FUNCTIONS = ("Protect", "Reveal", "Lookup", "Verify", "Encrypt", "Decrypt")
LIMIT = 3
EVERYTHING = {"tenants": EVERYONE, "functions": EVERYONE, "purposes": EVERYONE, "views": ["full", "masked"]}
UNKNOWN = "tok_" + "0" * 25
PEOPLE = "group:support"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """In which everybody but `direct` has quotas."""
    limited = {**EVERYTHING, "quotas": dict.fromkeys(FUNCTIONS, LIMIT)}
    callers = [SENDER, PEOPLE, *(f"direct:app-{number}" for number in range(20))]
    principals = [{"match": caller, **limited} for caller in callers]
    with open_vault({**POLICY, "principals": [*principals, {"match": "direct", **EVERYTHING}]}) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _fresh_hour(vault: Vault) -> None:
    vault.clock.advance(hours=1)


def request(vault: Vault, tenant: str, function: str) -> dict[str, Any]:
    """One that is answered."""
    use = {"tenant_id": tenant, "purpose": "account_security"}
    match function:
        case "Protect":
            purposes: dict[str, Any] = {"account_security": {}}
            return {"tenant_id": tenant, "subject_id": "s", "number": BRITISH, "purposes": purposes}
        case "Reveal":
            return {**use, "token": vault.protect(tenant)["token"]}
        case "Lookup":
            return {**use, "number": BRITISH}
        case "Verify":
            return {**use, "token": vault.protect(tenant)["token"], "number": BRITISH}
        case "Encrypt":
            return {**use, "subject_id": "s", "number": BRITISH}
        case _:
            return {**use, "subject_id": "subject-a", "message": encrypt(vault, tenant)["message"]}


def invoke(vault: Vault, function: str, payload: Any, alias: str) -> Any:
    """As `Vault.invoke`, of Decrypt too, whose answers the leak sweep must not see."""
    if function == "Decrypt":
        return invoke_decrypt(vault, payload, alias=alias)
    return vault.invoke(function, payload, alias=alias)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_answers_as_often_as_the_quota_says(vault: Vault, tenant: str, function: str) -> None:
    asked = request(vault, tenant, function)
    problems = [problem(invoke(vault, function, asked, "app-0")) for _ in range(LIMIT + 1)]
    assert problems == [None] * LIMIT + ["quota-exceeded"]


@pytest.mark.parametrize("principal", [SENDER, PEOPLE], ids=["role", "group"])
def test_callers_over_http_have_quotas(vault: Vault, tenant: str, principal: str) -> None:
    asked = request(vault, tenant, "Lookup")
    problems = [problem(vault.invoke("Lookup", asked, principal=principal)) for _ in range(LIMIT + 1)]
    assert problems == [None] * LIMIT + ["quota-exceeded"]


def test_an_exceeded_quota_is_429(vault: Vault, tenant: str) -> None:
    asked = {**request(vault, tenant, "Lookup"), "items": [{}] * (LIMIT + 1)}
    answer = vault.invoke("Lookup", asked, alias="app-1")["results"][-1]
    assert answer["problem"]["status"] == 429


def test_each_item_of_a_batch_counts(vault: Vault, tenant: str) -> None:
    asked = request(vault, tenant, "Lookup")
    vault.invoke("Lookup", asked, alias="app-2")
    results = vault.invoke("Lookup", {**asked, "items": [{"reference": str(at)} for at in range(5)]}, alias="app-2")
    told = [(each["reference"], problem(each)) for each in results["results"]]
    assert told == [(str(at), None if at < LIMIT - 1 else "quota-exceeded") for at in range(5)]


def test_what_is_not_found_counts(vault: Vault, tenant: str) -> None:
    asked = {"tenant_id": tenant, "token": UNKNOWN, "purpose": "account_security"}
    problems = [problem(vault.invoke("Reveal", asked, alias="app-3")) for _ in range(LIMIT + 1)]
    assert problems == ["not-found"] * LIMIT + ["quota-exceeded"]


def test_a_lookup_that_finds_nothing_counts(vault: Vault, tenant: str) -> None:
    asked = {"tenant_id": tenant, "number": AMERICAN, "purpose": "account_security"}
    answers = [vault.invoke("Lookup", asked, alias="app-4") for _ in range(LIMIT + 1)]
    assert answers[:LIMIT] == [{"matches": []}] * LIMIT
    assert problem(answers[LIMIT]) == "quota-exceeded"


def test_a_verify_that_does_not_match_counts(vault: Vault, tenant: str) -> None:
    asked = {**request(vault, tenant, "Verify"), "number": AMERICAN}
    answers = [vault.invoke("Verify", asked, alias="app-5") for _ in range(LIMIT + 1)]
    assert answers[:LIMIT] == [{"match": False}] * LIMIT
    assert problem(answers[LIMIT]) == "quota-exceeded"


def test_a_request_without_shape_does_not_count(vault: Vault, tenant: str) -> None:
    asked = request(vault, tenant, "Lookup")
    for _ in range(LIMIT + 1):
        vault.invoke("Lookup", {**asked, "colour": "red"}, alias="app-6")
    assert problem(vault.invoke("Lookup", asked, alias="app-6")) is None


def test_shape_comes_before_the_quota(vault: Vault, tenant: str) -> None:
    asked = request(vault, tenant, "Lookup")
    vault.invoke("Lookup", {**asked, "items": [{}] * LIMIT}, alias="app-7")
    assert problem(vault.invoke("Lookup", {**asked, "number": "+44 7400"}, alias="app-7")) == "invalid-number"


@pytest.mark.parametrize("change", [{"purpose": "astrology"}, {"token": UNKNOWN}, {"purpose": "delivery"}], ids=str)
def test_the_quota_comes_before_what_follows(vault: Vault, tenant: str, change: dict[str, str]) -> None:
    asked = request(vault, tenant, "Reveal")
    vault.invoke("Reveal", {**asked, "items": [{}] * LIMIT}, alias="app-8")
    assert problem(vault.invoke("Reveal", {**asked, **change}, alias="app-8")) == "quota-exceeded"


def test_one_caller_uses_up_no_quota_of_another(vault: Vault, tenant: str) -> None:
    asked = request(vault, tenant, "Lookup")
    vault.invoke("Lookup", {**asked, "items": [{}] * LIMIT}, alias="app-9")
    assert problem(vault.invoke("Lookup", asked, alias="app-10")) is None


def test_a_quota_is_for_all_tenants_together(vault: Vault) -> None:
    for _ in range(LIMIT):
        vault.invoke("Lookup", request(vault, vault.tenant(), "Lookup"), alias="app-11")
    answer = vault.invoke("Lookup", request(vault, vault.tenant(), "Lookup"), alias="app-11")
    assert problem(answer) == "quota-exceeded"


def test_where_the_policy_sets_no_quota_there_is_none(vault: Vault, tenant: str) -> None:
    asked = request(vault, tenant, "Lookup")
    results = vault.invoke("Lookup", {**asked, "items": [{}] * 100})["results"]
    assert {problem(each) for each in results} == {None}


def test_a_quota_is_whole_again_at_the_next_full_hour(vault: Vault, tenant: str) -> None:
    vault.clock.advance(minutes=59)
    asked = request(vault, tenant, "Lookup")
    vault.invoke("Lookup", {**asked, "items": [{}] * LIMIT}, alias="app-12")
    vault.clock.advance(minutes=1)
    assert problem(vault.invoke("Lookup", asked, alias="app-12")) is None


def test_a_refusal_for_its_quota_is_audited_with_purpose_and_caller(vault: Vault, tenant: str) -> None:
    asked = request(vault, tenant, "Lookup")
    vault.invoke("Lookup", {**asked, "items": [{}] * LIMIT}, alias="app-13")
    with vault.audited() as entries:
        vault.invoke("Lookup", asked, alias="app-13")
    said = [(each["principal"], each["tenant_id"], each["purpose"], each["problem"]) for each in entries]
    assert said == [(["direct:app-13"], tenant, ["account_security"], "quota-exceeded")]


def test_a_decrypt_beyond_the_quota_tells_nothing_of_the_message(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    asked = {"tenant_id": tenant, "subject_id": "subject-a", "message": message, "purpose": "account_security"}
    for _ in range(LIMIT):
        assert problem(invoke(vault, "Decrypt", {**asked, "subject_id": "other"}, "app-14")) == "invalid-message"
    assert problem(invoke(vault, "Decrypt", asked, "app-14")) == "quota-exceeded"
    assert "number" in decrypt(vault, tenant, message)


# Mismatches of Verify.


def verify(vault: Vault, tenant: str, token: str, *numbers: str, **how: Any) -> list[Any]:
    """`match`, or the problem's name, for each number."""
    items = [{"number": number} for number in numbers]
    common = {"tenant_id": tenant, "token": token, "purpose": "account_security"}
    answers = vault.invoke("Verify", {**common, "items": items}, **how)["results"]
    return [each.get("match", problem(each)) for each in answers]


def test_twenty_mismatches_on_a_token_are_answered_then_nothing_is(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    answers = [vault.verify(tenant, token, AMERICAN) for _ in range(20)]
    assert answers == [{"match": False}] * 20
    assert problem(vault.verify(tenant, token, AMERICAN)) == "quota-exceeded"
    assert problem(vault.verify(tenant, token, BRITISH)) == "quota-exceeded"


def test_the_mismatches_of_all_callers_count_together(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    verify(vault, tenant, token, *[AMERICAN] * 20)
    assert verify(vault, tenant, token, BRITISH, principal=SENDER) == ["quota-exceeded"]


def test_items_act_in_order(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    verify(vault, tenant, token, *[AMERICAN] * 19)
    assert verify(vault, tenant, token, BRITISH, AMERICAN, BRITISH) == [True, False, "quota-exceeded"]


def test_a_number_that_matches_can_be_verified_without_end(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert verify(vault, tenant, token, *[BRITISH] * 100) == [True] * 100


def test_other_functions_go_on_for_a_token_that_was_guessed_at(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    verify(vault, tenant, token, *[AMERICAN] * 21)
    assert "number" in vault.reveal(tenant, token)


def test_the_same_token_text_of_another_tenant_is_not_found(vault: Vault, tenant: str) -> None:
    """A token that was guessed at too often shows in its own tenant alone."""
    token = vault.protect(tenant)["token"]
    verify(vault, tenant, token, *[AMERICAN] * 21)
    other = vault.tenant()
    vault.protect(other)
    assert problem(vault.verify(other, token)) == "not-found"


def test_after_the_hour_a_token_can_be_verified_again(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    verify(vault, tenant, token, *[AMERICAN] * 21)
    vault.clock.advance(hours=1)
    assert vault.verify(tenant, token) == {"match": True}
