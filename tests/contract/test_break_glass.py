"""Rights for emergencies, as the policy gives them with `break_glass = true`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.support.policy import EVERYONE, POLICY
from tests.integration.support.vault import Vault, open_vault, problem

EMERGENCY = "group:security"
RIGHTS = {"match": EMERGENCY, "tenants": EVERYONE, "functions": ["Reveal", "Lookup"], "purposes": EVERYONE}
WHY = "incident 12: account taken over"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    entry = {**RIGHTS, "views": ["full"], "break_glass": True}
    with open_vault({**POLICY, "principals": [entry, *POLICY["principals"]]}) as opened:
        yield opened


@pytest.fixture
def token(vault: Vault, tenant: str) -> str:
    return str(vault.protect(tenant)["token"])


def reveal(vault: Vault, tenant: str, token: str, **more: Any) -> Any:
    request = {"tenant_id": tenant, "token": token, "purpose": "account_security", **more}
    return vault.invoke("Reveal", request, principal=EMERGENCY)


def uses(vault: Vault) -> list[dict[str, Any]]:
    """The metric lines that speak of them, oldest first."""
    return [json.loads(line) for line in vault.cloud.logs if '"BreakGlassUses"' in line]


def test_with_a_reason_the_number_is_revealed(vault: Vault, tenant: str, token: str) -> None:
    assert reveal(vault, tenant, token, reason=WHY)["number"] == "+447400123456"


@pytest.mark.parametrize("more", [{}, {"reason": ""}, {"reason": " "}], ids=["missing", "empty", "blank"])
def test_without_one_it_is_an_invalid_request(vault: Vault, tenant: str, token: str, more: dict[str, str]) -> None:
    answer = reveal(vault, tenant, token, **more)
    assert problem(answer) == "invalid-request"
    assert [fault["pointer"] for fault in answer["problem"]["errors"]] == ["/reason"]


def test_a_missing_reason_comes_before_a_right_that_is_missing(vault: Vault, tenant: str, token: str) -> None:
    assert problem(reveal(vault, tenant, token, view="masked")) == "invalid-request"
    assert problem(reveal(vault, tenant, token, view="masked", reason=WHY)) == "principal-not-permitted"


def test_a_use_stands_out_in_its_entry(vault: Vault, tenant: str, token: str) -> None:
    with vault.audited() as entries:
        reveal(vault, tenant, token, reason=WHY)
    assert [(each["break_glass"], each["reason"], each["principal"]) for each in entries] == [(True, WHY, [EMERGENCY])]


def test_a_refused_use_stands_out_too(vault: Vault, tenant: str, token: str) -> None:
    with vault.audited() as entries:
        reveal(vault, tenant, token)
    assert [(each["break_glass"], each["problem"]) for each in entries] == [(True, "invalid-request")]


def test_the_entry_of_anybody_else_says_nothing_of_it(vault: Vault, tenant: str, token: str) -> None:
    with vault.audited() as entries:
        vault.reveal(tenant, token, reason=WHY)
    assert ["break_glass" in each for each in entries] == [False]


@pytest.mark.parametrize("more", [{"reason": WHY}, {}, {"reason": WHY, "purpose": "astrology"}], ids=str)
def test_each_use_counts_refused_or_not(vault: Vault, tenant: str, token: str, more: dict[str, str]) -> None:
    before = len(uses(vault))
    reveal(vault, tenant, token, **more)
    assert [line["BreakGlassUses"] for line in uses(vault)[before:]] == [[1]]


def test_each_item_of_a_batch_is_a_use(vault: Vault, tenant: str, token: str) -> None:
    items = {"tenant_id": tenant, "purpose": "account_security", "reason": WHY, "items": [{"token": token}] * 3}
    vault.invoke("Reveal", items, principal=EMERGENCY)
    assert uses(vault)[-1]["BreakGlassUses"] == [3]


def test_the_metric_is_one_for_all_functions(vault: Vault, tenant: str, token: str) -> None:
    """So that one alarm watches them all: see the dimensions of the alarm."""
    reveal(vault, tenant, token, reason=WHY)
    request = {"tenant_id": tenant, "number": "+44 7400 123456", "purpose": "delivery", "reason": WHY}
    vault.invoke("Lookup", request, principal=EMERGENCY)
    for line in uses(vault)[-2:]:
        (metrics,) = line["_aws"]["CloudWatchMetrics"]
        assert (metrics["Namespace"], metrics["Dimensions"]) == ("PhoneVault", [["service"]])
        assert line["service"] == "phone-vault"


def test_nobody_else_counts(vault: Vault, tenant: str, token: str) -> None:
    before = len(uses(vault))
    vault.reveal(tenant, token, reason=WHY)
    assert len(uses(vault)) == before


def test_every_function_takes_a_reason(vault: Vault, tenant: str) -> None:
    assert "token" in vault.protect(tenant, reason=WHY)
    assert vault.lookup(tenant, reason=WHY)["matches"]
    assert "message" in vault.invoke(
        "Encrypt",
        {
            "tenant_id": tenant,
            "subject_id": "subject-a",
            "number": "+44 7400 123456",
            "purpose": "account_security",
            "reason": WHY,
        },
    )
