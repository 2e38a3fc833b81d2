"""Protect with an idempotency key: the same attempt again meets its own record, with and without an index."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.support.numbers import AMERICAN
from tests.integration.support.tenants import with_tenants
from tests.integration.support.vault import Vault, changed, open_vault, problem
from tests.integration.support.wire import Crash, Fault, counts

KEY = "import-1.120"
_NAMES = itertools.count(1)


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with open_vault(with_tenants({f"blind-{number}": {"index": False} for number in range(1, 60)})) as opened:
        yield opened


@pytest.fixture
def blind() -> str:
    """A tenant without an index, used by nobody yet."""
    return f"blind-{next(_NAMES)}"


@pytest.fixture(params=["indexed", "blind"])
def tenant(request: pytest.FixtureRequest, vault: Vault, blind: str) -> str:
    return vault.tenant() if request.param == "indexed" else blind


def protect(vault: Vault, tenant: str, key: str = KEY, **more: Any) -> Any:
    return vault.protect(tenant, idempotency_key=key, **more)


def records(vault: Vault, tenant: str) -> int:
    return len([row for row in vault.rows("RecordKeys", tenant) if "#m#" not in row["record_id"]["S"]])


def test_the_same_attempt_again_is_the_same_record(vault: Vault, tenant: str) -> None:
    first, second = protect(vault, tenant), protect(vault, tenant)
    assert (first["created"], second["created"]) == (True, False)
    assert second["token"] == first["token"]
    assert records(vault, tenant) == 1


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.RESPONSE_LOST])
def test_an_attempt_whose_answer_was_lost_is_completed_by_the_next(vault: Vault, tenant: str, fault: Fault) -> None:
    vault.protect(tenant, "warm-up")
    try:
        with vault.wire.failing(lambda _sent, ordinal: fault if ordinal == 0 else None):
            protect(vault, tenant)
    except Crash:
        vault.cloud.restart()
    token = protect(vault, tenant)["token"]
    assert records(vault, tenant) == 2
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_purposes_are_merged_as_ever(vault: Vault, tenant: str) -> None:
    protect(vault, tenant)
    again = protect(vault, tenant, purposes={"delivery": {}})
    assert again["purposes"].keys() == {"account_security", "delivery"}


def test_other_keys_subjects_and_tenants_are_other_attempts(vault: Vault, blind: str) -> None:
    attempts = [
        protect(vault, blind),
        protect(vault, blind, "another"),
        protect(vault, blind, subject="subject-b"),
        protect(vault, f"blind-{next(_NAMES)}"),
    ]
    assert [each["created"] for each in attempts] == [True] * 4
    assert len({each["token"] for each in attempts}) == 4


def test_without_a_key_the_same_number_is_a_new_record_where_there_is_no_index(vault: Vault, blind: str) -> None:
    assert vault.protect(blind)["token"] != vault.protect(blind)["token"]


def test_the_token_of_a_key_is_like_any_other(vault: Vault, tenant: str) -> None:
    assert len(protect(vault, tenant)["token"]) == len(vault.protect(tenant, "someone")["token"])


def test_with_an_index_the_number_decides_and_not_the_key(vault: Vault) -> None:
    tenant = vault.tenant()
    first = protect(vault, tenant, "one")
    assert protect(vault, tenant, "another")["token"] == first["token"]


def test_where_index_and_key_lead_to_different_records_the_index_decides(vault: Vault) -> None:
    tenant = vault.tenant()
    british, american = protect(vault, tenant, "one"), protect(vault, tenant, "two", number=AMERICAN)
    assert protect(vault, tenant, "two")["token"] == british["token"] != american["token"]


def test_with_an_index_a_key_that_was_used_for_another_number_is_a_conflict(vault: Vault) -> None:
    tenant = vault.tenant()
    protect(vault, tenant)
    before = vault.tables(tenant)
    assert problem(protect(vault, tenant, number=AMERICAN)) == "conflict"
    assert vault.tables(tenant) == before


def test_without_an_index_another_number_under_the_same_key_is_not_noticed(vault: Vault, blind: str) -> None:
    """Nothing of the number is kept that it could be compared with: the first one stays."""
    first = protect(vault, blind)
    assert protect(vault, blind, number=AMERICAN)["token"] == first["token"]
    assert vault.reveal(blind, first["token"])["number"] == "+447400123456"


def test_a_record_that_was_made_another_subjects_is_a_conflict(vault: Vault, blind: str) -> None:
    token = protect(vault, blind)["token"]
    (row,) = vault.rows("RecordKeys", token)
    other = vault.protect(blind, "subject-b")["token"]
    (other_row,) = vault.rows("RecordKeys", other)
    vault.put("RecordKeys", row | {"subject_ref": other_row["subject_ref"]})
    assert problem(protect(vault, blind)) == "conflict"


def test_it_costs_a_new_number_nothing(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        protect(vault, tenant)
    assert counts(sent) == {"dynamodb.TransactWriteItems": 1}


def test_no_table_holds_the_key(vault: Vault, tenant: str) -> None:
    with vault.sending() as sent:
        protect(vault, tenant, "findable-key")
    assert "RecordKeys" in changed(sent)
    assert not [each for each in sent if "findable-key" in str(each.body)]


def test_each_item_of_a_batch_has_its_own(vault: Vault, blind: str) -> None:
    items = [{"subject_id": "a", "idempotency_key": str(number)} for number in (1, 2, 1)]
    batch = {"tenant_id": blind, "number": AMERICAN, "purposes": {"delivery": {}}, "items": items}
    results = vault.invoke("Protect", batch)["results"]
    assert [each["created"] for each in results] == [True, True, False]
    assert results[0]["token"] == results[2]["token"]


def test_a_batch_has_none_in_common(vault: Vault, blind: str) -> None:
    batch = {"tenant_id": blind, "idempotency_key": KEY, "items": [{"subject_id": "a"}, {"subject_id": "b"}]}
    answer = vault.invoke("Protect", batch)
    assert problem(answer) == "invalid-request"
    assert answer["problem"]["errors"][0]["pointer"] == "/idempotency_key"


@pytest.mark.parametrize("key", ["", "a" * 129, "a b", 7, None, "447400123456"])
def test_a_key_of_another_form_or_that_is_the_number_is_refused(vault: Vault, blind: str, key: Any) -> None:
    answer = protect(vault, blind, key)
    assert problem(answer) == "invalid-request"
    assert answer["problem"]["errors"][0]["pointer"] == "/idempotency_key"
