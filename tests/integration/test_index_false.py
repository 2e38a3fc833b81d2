"""Tenants without an index: nobody can ask the vault who has a number, the vault itself included."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.numbers import BRITISH
from tests.integration.support.tenants import with_tenants
from tests.integration.support.vault import Vault, changed, open_vault, problem
from tests.integration.support.wire import counts, to

_NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with open_vault(with_tenants({f"blind-{number}": {"index": False} for number in range(1, 30)})) as opened:
        yield opened


@pytest.fixture
def tenant() -> str:
    """Without an index, and used by nobody yet."""
    return f"blind-{next(_NAMES)}"


def test_a_number_is_stored_and_revealed(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_no_entry_of_the_index_is_written(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant)
    assert changed(sent) == {"RecordKeys", "Numbers", "Subjects"}


def test_the_record_has_no_digest_of_the_number(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (row,) = vault.rows("RecordKeys", token)
    assert row["index_positions"] == {"M": {}}


def test_the_same_number_again_gets_another_token(vault: Vault, tenant: str) -> None:
    """Nothing could tell that it is the same: only the token finds what is stored."""
    answers = [vault.protect(tenant) for _ in range(2)]
    assert len({each["token"] for each in answers}) == 2
    assert [each["created"] for each in answers] == [True, True]


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
def test_what_needs_the_index_is_refused_and_says_why(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    answer = vault.lookup(tenant) if function == "Lookup" else vault.verify(tenant, token)
    assert problem(answer) == "invalid-request"
    assert answer["problem"]["errors"][0]["pointer"] == "/tenant_id"
    assert "keeps no index" in answer["problem"]["detail"]


@pytest.mark.parametrize(
    ("token", "purpose"), [("tok_" + "0" * 25, "account_security"), (None, "delivery")], ids=["unknown", "ended"]
)
def test_verifying_is_refused_for_that_before_anything_of_the_record(
    vault: Vault, tenant: str, token: str | None, purpose: str
) -> None:
    stored = vault.protect(tenant)["token"]
    assert problem(vault.verify(tenant, token or stored, purpose=purpose)) == "invalid-request"


def test_a_principal_without_the_right_is_refused_before(vault: Vault, tenant: str) -> None:
    request = {"tenant_id": tenant, "number": BRITISH, "purpose": "delivery"}
    assert problem(vault.invoke("Lookup", request, alias="billing")) == "principal-not-permitted"


def test_in_a_batch_other_tenants_are_looked_up_all_the_same(vault: Vault, tenant: str) -> None:
    vault.protect("seeing")
    items: list[dict[str, Any]] = [{"tenant_id": tenant}, {"tenant_id": "seeing"}]
    common = {"number": BRITISH, "purpose": "account_security"}
    results = vault.invoke("Lookup", {**common, "items": items})["results"]
    assert [problem(each) for each in results] == ["invalid-request", None]


def test_refusals_are_audited(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        vault.lookup(tenant)
        vault.verify(tenant, token)
    assert sorted((each["function"], each["problem"]) for each in entries) == [
        ("Lookup", "invalid-request"),
        ("Verify", "invalid-request"),
    ]


def test_a_consent_that_is_missing_is_reported_without_a_search(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        assert problem(vault.protect(tenant, purposes={"marketing_sms": {}})) == "consent-required"
    assert counts(sent) == {"dynamodb.PutItem": 1}


def test_a_new_number_is_one_request(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant)
    assert counts(sent) == {"dynamodb.TransactWriteItems": 1}


def test_a_cold_protect_calls_kms_twice(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    vault.cloud.restart()
    with vault.sending() as sent:
        vault.protect(tenant)
    assert len(to("kms", sent)) == 2


def test_messages_need_no_index(vault: Vault, tenant: str) -> None:
    assert decrypt(vault, tenant, encrypt(vault, tenant)["message"])["number"] == "+447400123456"
