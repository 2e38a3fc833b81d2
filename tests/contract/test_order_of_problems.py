"""Of several problems the contract's first is reported: each test takes them away one by one."""

from typing import Any

import pytest

from tests.integration.support.numbers import BRITISH
from tests.integration.support.policy import SENDER
from tests.integration.support.vault import Vault, problem

UNKNOWN = "tok_" + "0" * 25
BAD_NUMBER = "+44 7400"

PROTECT: list[tuple[str, dict[str, Any], str | None]] = [
    ("invalid-request", {"colour": "red", "subject_id": "a@b", "number": BAD_NUMBER, "purposes": {"x": {}}}, SENDER),
    ("identifier-not-pseudonymous", {"subject_id": "a@b", "number": BAD_NUMBER, "purposes": {"x": {}}}, SENDER),
    ("invalid-request", {"subject_id": "a b", "number": BAD_NUMBER, "purposes": {"x": {}}}, SENDER),
    ("invalid-number", {"subject_id": "a", "number": BAD_NUMBER, "purposes": {"x": {}}}, SENDER),
    ("principal-not-permitted", {"subject_id": "a", "purposes": {"x": {}, "marketing_sms": {}}}, SENDER),
    ("purpose-not-registered", {"subject_id": "a", "purposes": {"marketing_sms": {}, "x": {}}}, None),
    ("consent-required", {"subject_id": "a", "purposes": {"delivery": {}, "marketing_sms": {}}}, None),
]


@pytest.mark.parametrize(("name", "request_", "principal"), PROTECT, ids=[f"{at}" for at in range(len(PROTECT))])
def test_protect_reports_the_first(
    vault: Vault, tenant: str, name: str, request_: dict[str, Any], principal: str | None
) -> None:
    answer = vault.invoke("Protect", {"tenant_id": tenant, "number": BRITISH, **request_}, principal=principal)
    assert problem(answer) == name


def test_an_alphabet_fault_is_reported_before_an_invalid_number(vault: Vault, tenant: str) -> None:
    answer = vault.protect(tenant, "a b", BAD_NUMBER)
    assert [each["pointer"] for each in answer["problem"]["errors"]] == ["/subject_id"]


USES: list[tuple[str, dict[str, Any], str | None]] = [
    ("invalid-request", {"colour": "red", "token": UNKNOWN, "purpose": "x"}, SENDER),
    ("principal-not-permitted", {"token": UNKNOWN, "purpose": "x"}, SENDER),
    ("purpose-not-registered", {"token": UNKNOWN, "purpose": "x"}, None),
    ("not-found", {"token": UNKNOWN, "purpose": "delivery"}, None),
    ("purpose-not-permitted", {"purpose": "delivery"}, None),
]


@pytest.mark.parametrize("function", ["Reveal", "Verify"])
@pytest.mark.parametrize(("name", "request_", "principal"), USES, ids=[f"{at}" for at in range(len(USES))])
def test_reveal_and_verify_report_the_first(
    vault: Vault, tenant: str, function: str, name: str, request_: dict[str, Any], principal: str | None
) -> None:
    request = {"tenant_id": tenant, "token": vault.protect(tenant)["token"], **request_}
    if function == "Verify":
        request["number"] = BRITISH
    assert problem(vault.invoke(function, request, principal=principal)) == name


def test_an_invalid_number_is_reported_before_a_forbidden_principal(vault: Vault, tenant: str) -> None:
    request = {"tenant_id": tenant, "token": UNKNOWN, "number": BAD_NUMBER, "purpose": "delivery"}
    assert problem(vault.invoke("Verify", request, principal=SENDER)) == "invalid-number"


def test_an_ended_purpose_is_reported_before_a_key_that_is_not_available(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    vault.kms.disable_key(KeyId=vault.cloud.outputs["KekId"])
    try:
        assert problem(vault.reveal(tenant, token, "delivery")) == "purpose-not-permitted"
    finally:
        vault.kms.enable_key(KeyId=vault.cloud.outputs["KekId"])
