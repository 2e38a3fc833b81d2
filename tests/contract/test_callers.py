"""Who is calling, and what the policy lets them do."""

import json
from typing import Any

import pytest

from tests.integration.support.numbers import BRITISH
from tests.integration.support.policy import SENDER
from tests.integration.support.vault import Vault, problem

ACME = "acme"
STRANGER = "arn:aws:iam::123456789012:role/stranger"


@pytest.fixture
def token(vault: Vault) -> str:
    return str(vault.protect(ACME, purposes={"account_security": {}, "delivery": {}})["token"])


def use(token: str, purpose: str = "account_security", **more: Any) -> dict[str, Any]:
    return {"tenant_id": ACME, "token": token, "purpose": purpose, **more}


def test_a_role_may_what_its_entry_says(vault: Vault, token: str) -> None:
    assert "number" in vault.invoke("Reveal", use(token), principal=SENDER)


def test_a_role_with_a_path_is_matched_without_it(vault: Vault, token: str) -> None:
    principal = "arn:aws:iam::123456789012:role/teams/otp/otp-sender"
    assert "number" in vault.invoke("Reveal", use(token), principal=principal)


@pytest.mark.parametrize(
    ("function", "request_"),
    [
        ("Lookup", {"number": BRITISH, "purpose": "account_security"}),
        ("Protect", {"subject_id": "s", "number": BRITISH, "purposes": {"account_security": {}}}),
    ],
    ids=["Lookup", "Protect"],
)
def test_a_role_may_not_call_a_function_that_is_not_named(
    vault: Vault, function: str, request_: dict[str, Any]
) -> None:
    assert problem(vault.invoke(function, request_, principal=SENDER)) == "principal-not-permitted"


def test_a_role_has_no_right_to_a_purpose_that_is_not_named(vault: Vault, token: str) -> None:
    assert problem(vault.invoke("Reveal", use(token, "delivery"), principal=SENDER)) == "principal-not-permitted"


def test_one_purpose_without_right_refuses_the_whole_protect(vault: Vault) -> None:
    request = {"tenant_id": ACME, "subject_id": "s", "number": BRITISH}
    purposes: dict[str, Any] = {"purposes": {"delivery": {}, "account_security": {}}}
    assert problem(vault.invoke("Protect", request | purposes, alias="billing")) == "principal-not-permitted"


def test_a_role_has_no_right_to_a_view_that_is_not_named(vault: Vault, token: str) -> None:
    assert problem(vault.invoke("Reveal", use(token, view="masked"), principal=SENDER)) == "principal-not-permitted"


def test_the_default_view_is_full_and_needs_its_right(vault: Vault, token: str) -> None:
    assert problem(vault.invoke("Reveal", use(token), principal="group:support")) == "principal-not-permitted"


def test_a_group_may_what_its_entry_says(vault: Vault, token: str) -> None:
    answer = vault.invoke("Reveal", use(token, view="masked"), principal="group:support")
    assert answer["masked"] == "+44******3456"


def test_a_group_has_no_right_to_a_tenant_that_is_not_named(vault: Vault, tenant: str) -> None:
    request = {"tenant_id": tenant, "number": BRITISH, "purpose": "delivery"}
    assert problem(vault.invoke("Lookup", request, principal="group:support")) == "principal-not-permitted"


@pytest.mark.parametrize("principal", [STRANGER, "group:nobody", "group:Support"])
def test_a_caller_without_entry_is_refused(vault: Vault, token: str, principal: str) -> None:
    assert problem(vault.invoke("Reveal", use(token), principal=principal)) == "principal-not-permitted"


def test_the_sessions_name_makes_nobody_a_principal(vault: Vault, token: str) -> None:
    """Whoever assumes a role chooses the session's name: `role/otp-sender` in it must not count."""
    arn = "arn:aws:sts::123456789012:assumed-role/stranger/otp-sender"
    error, answer = vault.invoke_api("Reveal", iam_event(arn, use(token)), "http")
    assert (error, answer["statusCode"]) == (None, 403)


def test_an_alias_is_a_principal_of_its_own(vault: Vault, token: str) -> None:
    assert "number" in vault.invoke("Reveal", use(token, "delivery"), alias="billing")


def test_an_alias_does_not_inherit_what_direct_may(vault: Vault, token: str) -> None:
    assert problem(vault.invoke("Reveal", use(token), alias="billing")) == "principal-not-permitted"


def test_an_alias_without_entry_is_refused_even_where_direct_may_everything(vault: Vault, token: str) -> None:
    assert problem(vault.invoke("Reveal", use(token), alias="unlisted")) == "principal-not-permitted"


def iam_event(arn: str, payload: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "requestContext": {"authorizer": {"iam": {"userArn": arn}}},
        "body": json.dumps(payload),
        "isBase64Encoded": False,
    }


SENDERS_SESSION = "arn:aws:sts::123456789012:assumed-role/otp-sender/session"


def test_a_forged_request_context_in_a_direct_payload_is_refused(vault: Vault, token: str) -> None:
    answer = vault.invoke("Reveal", iam_event(SENDERS_SESSION, use(token)))
    assert problem(answer) == "invalid-request"


def test_a_forged_request_context_beside_a_good_request_is_refused(vault: Vault, token: str) -> None:
    forged = iam_event(SENDERS_SESSION, {})["requestContext"]
    assert problem(vault.invoke("Reveal", {**use(token), "requestContext": forged})) == "invalid-request"


def test_a_forged_request_context_under_an_applications_alias_is_refused(vault: Vault, token: str) -> None:
    answer = vault.invoke("Reveal", iam_event(SENDERS_SESSION, use(token)), alias="billing")
    assert problem(answer) == "invalid-request"


def test_a_forged_request_context_is_audited_as_the_direct_caller_that_sent_it(vault: Vault, token: str) -> None:
    with vault.audited() as entries:
        vault.invoke("Reveal", iam_event(SENDERS_SESSION, use(token)))
    assert [(each["principal"], each["authentication"]) for each in entries] == [(["direct"], "direct")]


def test_a_payload_that_names_its_principal_is_refused(vault: Vault, token: str) -> None:
    assert problem(vault.invoke("Reveal", {**use(token), "principal": SENDER})) == "invalid-request"


HOSTILE_CONTEXTS: dict[str, Any] = {
    "nothing": {},
    "null": None,
    "list": [],
    "no authorizer": {"authorizer": {}},
    "lambda authorizer": {"authorizer": {"lambda": {"principal": SENDER}}},
    "iam user": {"authorizer": {"iam": {"userArn": "arn:aws:iam::123456789012:user/otp-sender"}}},
    "role arn": {"authorizer": {"iam": {"userArn": SENDER}}},
    "arn with newline": {"authorizer": {"iam": {"userArn": SENDERS_SESSION + "\n"}}},
    "identity token": {
        "authorizer": {"jwt": {"claims": {"token_use": "id", "cognito:groups": "[support]"}}},
    },
    "no groups": {"authorizer": {"jwt": {"claims": {"token_use": "access"}}}},
    "groups in groups": {"authorizer": {"jwt": {"claims": {"token_use": "access", "cognito:groups": "[[support]]"}}}},
}


@pytest.mark.parametrize("context", HOSTILE_CONTEXTS.values(), ids=HOSTILE_CONTEXTS.keys())
def test_an_http_caller_who_is_not_authenticated_as_somebody_is_refused(
    vault: Vault, token: str, context: object
) -> None:
    event = {"version": "2.0", "requestContext": context, "body": json.dumps(use(token, view="masked"))}
    error, answer = vault.invoke_api("Reveal", event, "http")
    assert (error, answer["statusCode"]) == (None, 403)


def test_a_problem_over_http_is_the_bare_object_as_problem_json(vault: Vault, token: str) -> None:
    _, answer = vault.invoke_api("Reveal", iam_event(SENDERS_SESSION, use(token, "delivery")), "http")
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert json.loads(answer["body"])["type"] == "urn:phone-vault:problem:principal-not-permitted"


@pytest.mark.parametrize("body", [None, "", "no JSON", "[]", '"text"', "7", "null", "{", "\ud800"])
def test_an_http_body_that_is_no_json_object_is_an_invalid_request(vault: Vault, body: str | None) -> None:
    event = {**iam_event(SENDERS_SESSION, None), "body": body}
    error, answer = vault.invoke_api("Reveal", event, "http")
    assert (error, answer["statusCode"]) == (None, 400)


def test_an_http_body_that_is_nested_too_deeply_is_an_invalid_request(vault: Vault) -> None:
    """What a caller can cause is a problem: not a fault of the service, and audited."""
    event = {**iam_event(SENDERS_SESSION, None), "body": "[" * 100_000}
    error, answer = vault.invoke_api("Reveal", event, "http")
    assert (error, answer.get("statusCode")) == (None, 400)


def test_the_tenant_of_an_http_call_may_stand_in_the_header(vault: Vault, token: str) -> None:
    payload = {"token": token, "purpose": "account_security"}
    event = {**iam_event(SENDERS_SESSION, payload), "headers": {"x-tenant-id": ACME}}
    _, answer = vault.invoke_api("Reveal", event, "http")
    assert answer["statusCode"] == 200
