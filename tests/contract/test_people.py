"""People: access tokens of the vault's own user pool, and the groups that they name."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.support.vault import Vault

ACME = "acme"
ABSENT = object()


@pytest.fixture
def token(vault: Vault) -> str:
    return str(vault.protect(ACME)["token"])


def claims(vault: Vault, **other: object) -> dict[str, object]:
    """As API Gateway hands them over for one of the pool's own access tokens, but for the other ones."""
    right = {
        "sub": "6f0c2b1a-0000-4000-8000-000000000001",
        "cognito:groups": "[support]",
        "iss": vault.cloud.outputs["UserPoolIssuer"],
        "client_id": vault.cloud.outputs["UserPoolClientId"],
        "token_use": "access",
        "username": "agent-1",
    }
    return {name: value for name, value in {**right, **other}.items() if value is not ABSENT}


def reveal(vault: Vault, token: str, stated: Mapping[str, object], alias: str = "http") -> Any:
    payload = {"tenant_id": ACME, "token": token, "purpose": "account_security", "view": "masked"}
    event = {
        "version": "2.0",
        "requestContext": {"authorizer": {"jwt": {"claims": dict(stated), "scopes": None}}},
        "body": json.dumps(payload),
    }
    return vault.invoke_api("Reveal", event, alias)


def status(vault: Vault, token: str, stated: Mapping[str, object]) -> int:
    error, answer = reveal(vault, token, stated)
    assert error is None
    return int(answer["statusCode"])


def test_an_access_token_of_the_pool_is_believed(vault: Vault, token: str) -> None:
    assert status(vault, token, claims(vault)) == 200


def test_one_of_several_groups_is_enough(vault: Vault, token: str) -> None:
    assert status(vault, token, claims(vault, **{"cognito:groups": "[cooks support]"})) == 200


def test_an_entry_names_the_groups_and_not_the_person(vault: Vault, token: str) -> None:
    with vault.audited() as entries:
        reveal(vault, token, claims(vault, **{"cognito:groups": "[cooks support]"}))
    assert [(each["principal"], each["authentication"]) for each in entries] == [
        (["group:cooks", "group:support"], "jwt")
    ]


FORGED: dict[str, dict[str, object]] = {
    "identity token": {"token_use": "id"},
    "no use": {"token_use": ABSENT},
    "another pool": {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Attacker0"},
    "no issuer": {"iss": ABSENT},
    "another client": {"client_id": "attackersclient00000000000"},
    "no client": {"client_id": ABSENT},
    "no groups": {"cognito:groups": ABSENT},
    "empty groups": {"cognito:groups": "[]"},
    "opened": {"cognito:groups": "[support"},
    "without brackets": {"cognito:groups": "support"},
    "a list": {"cognito:groups": ["support"]},
    "two spaces": {"cognito:groups": "[support  privacy]"},
    "spaces around": {"cognito:groups": "[ support ]"},
    "a group like a direct caller": {"cognito:groups": "[direct]"},
    "a group like an alias": {"cognito:groups": "[direct:billing]"},
    "a group like a role": {"cognito:groups": "[arn:aws:iam::123456789012:role/otp-sender]"},
    "a group like a group": {"cognito:groups": "[group:support]"},
    "a group in other letters": {"cognito:groups": "[Support]"},
}


@pytest.mark.parametrize("other", FORGED.values(), ids=FORGED)
def test_whoever_is_not_vouched_for_is_refused(vault: Vault, token: str, other: dict[str, object]) -> None:
    assert status(vault, token, claims(vault, **other)) == 403


def test_without_claims_nobody_is_believed(vault: Vault, token: str) -> None:
    assert status(vault, token, {}) == 403


@pytest.mark.parametrize("alias", ["billing", "https"])
def test_claims_are_believed_under_the_alias_of_api_gateway_alone(vault: Vault, token: str, alias: str) -> None:
    vault.invoke("Reveal", {}, alias=alias)  # which makes it
    _, answer = reveal(vault, token, claims(vault), alias)
    assert answer["problem"]["type"].endswith((":invalid-request", ":principal-not-permitted"))
