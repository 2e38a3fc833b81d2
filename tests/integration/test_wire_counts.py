"""How often a function asks AWS, counted by the tests' own ear, and the capacity that its requests take."""

from typing import Any

import pytest

from phone_vault.local import capacity
from phone_vault.local.capacity import Reading, Writing
from tests.integration.support.numbers import AMERICAN, BRITISH, example, variants
from tests.integration.support.vault import Vault, writes
from tests.integration.support.wire import Sent, counts, to

WORST_SUBJECT = "s" * 128
MOST_WRITE_UNITS = 16
MOST_WITH_A_CONSENT = 18
"""The line in the subject's history of consents is a row more."""
A_CHECK = 2
"""Write units of a condition on a row that is not written."""
MOST_READ_UNITS = 2


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_warm_operation_asks_kms_nothing(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    call(vault, function, tenant, token)
    with vault.sending() as sent:
        call(vault, function, tenant, token)
    assert not to("kms", sent)


@pytest.mark.parametrize(("function", "most"), [("Protect", 2), ("Reveal", 2), ("Lookup", 1), ("Verify", 1)])
def test_a_cold_operation_asks_kms_at_most_twice_for_a_tenant(
    vault: Vault, tenant: str, function: str, most: int
) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with vault.sending() as sent:
        call(vault, function, tenant, token)
    assert len(to("kms", sent)) == most


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_a_cold_refusal_asks_kms_no_more_than_that(vault: Vault, tenant: str, function: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.cloud.restart()
    with vault.sending() as sent:
        vault.invoke(function, {"tenant_id": tenant, "token": token, "purpose": "astrology"})
    assert len(to("kms", sent)) <= 2


def test_a_second_tenant_costs_an_instance_two_more(vault: Vault) -> None:
    tokens = {tenant: vault.protect(tenant)["token"] for tenant in (vault.tenant(), vault.tenant())}
    vault.cloud.restart()
    asked = []
    for tenant, token in [*tokens.items(), *tokens.items()]:
        with vault.sending() as sent:
            vault.reveal(tenant, token)
        asked.append(len(to("kms", sent)))
    assert asked == [2, 2, 0, 0]


def test_a_new_protect_is_one_request(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant)
    assert counts(sent) == {"dynamodb.TransactWriteItems": 1}


@pytest.mark.parametrize("purposes", [{"account_security": {}}, {"delivery": {}}], ids=["nothing new", "new purpose"])
def test_a_merging_protect_is_at_most_three_requests(vault: Vault, tenant: str, purposes: dict[str, Any]) -> None:
    vault.protect(tenant)
    with vault.sending() as sent:
        vault.protect(tenant, purposes=purposes)
    assert len(sent) <= 3


def test_a_merge_that_brings_no_consent_is_at_most_three_requests(vault: Vault, tenant: str) -> None:
    given_at = vault.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    vault.protect(tenant, purposes={"marketing_sms": {"consent": {"given_at": given_at, "evidence": "form"}}})
    with vault.sending() as sent:
        vault.protect(tenant, purposes={"marketing_sms": {}, "delivery": {}})
    assert len(sent) <= 3


def test_the_first_reveal_of_a_day_is_one_read_and_one_write(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    vault.clock.advance(days=1)
    vault.reveal(tenant, vault.protect(tenant, "warms-the-keys")["token"])
    with vault.sending() as sent:
        vault.reveal(tenant, token)
    assert counts(sent) == {"dynamodb.BatchGetItem": 1, "dynamodb.TransactWriteItems": 1}


def test_a_later_reveal_of_the_day_is_one_read_and_one_write(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with vault.sending() as sent:
        vault.reveal(tenant, token)
    assert counts(sent) == {"dynamodb.BatchGetItem": 1, "dynamodb.PutItem": 1}


def test_a_lookup_is_one_query_one_batch_read_and_one_audit_write(vault: Vault, tenant: str) -> None:
    for subject in ("a", "b", "c"):
        vault.protect(tenant, subject)
    vault.lookup(tenant)
    with vault.sending() as sent:
        vault.lookup(tenant)
    assert counts(sent) == {"dynamodb.Query": 1, "dynamodb.BatchGetItem": 1, "dynamodb.PutItem": 1}


@pytest.mark.parametrize("number", [BRITISH, AMERICAN], ids=["match", "mismatch"])
def test_a_verify_is_one_read_one_count_and_one_audit_write(vault: Vault, tenant: str, number: str) -> None:
    """The count is that of the token's mismatches, which a match asks for too: so its time tells nothing."""
    token = vault.protect(tenant)["token"]
    vault.verify(tenant, token)
    with vault.sending() as sent:
        vault.verify(tenant, token, number)
    assert counts(sent) == {"dynamodb.BatchGetItem": 1, "dynamodb.UpdateItem": 1, "dynamodb.PutItem": 1}


def test_a_batch_of_100_reveals_is_at_most_12_requests_on_the_first_use_of_a_day(vault: Vault, tenant: str) -> None:
    tokens = protected(vault, tenant, 100)
    with vault.sending() as sent:
        answer = vault.invoke(
            "Reveal",
            {"tenant_id": tenant, "purpose": "account_security", "items": [{"token": each} for each in tokens]},
        )
    assert all("number" in each for each in answer["results"])
    assert len(to("dynamodb", sent)) <= 12


def test_a_batch_of_100_verifies_is_two_requests_and_a_count_for_each_token(vault: Vault, tenant: str) -> None:
    tokens = protected(vault, tenant, 100)
    vault.verify(tenant, tokens[0])
    common = {"tenant_id": tenant, "purpose": "account_security", "number": BRITISH}
    with vault.sending() as sent:
        vault.invoke("Verify", {**common, "items": [{"token": each} for each in tokens]})
    assert counts(sent) == {
        "dynamodb.BatchGetItem": 1,
        "dynamodb.UpdateItem": 100,
        "dynamodb.TransactWriteItems": 1,
    }


def test_a_batch_of_100_verifies_of_one_token_counts_once(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.verify(tenant, token)
    common = {"tenant_id": tenant, "purpose": "account_security", "token": token}
    with vault.sending() as sent:
        vault.invoke("Verify", {**common, "items": [{"number": BRITISH}] * 100})
    assert counts(sent)["dynamodb.UpdateItem"] == 1


def test_no_request_is_a_scan_or_a_delete(vault: Vault, tenant: str) -> None:
    """Of all four verbs, on something new and something stored."""
    with vault.sending() as sent:
        token = vault.protect(tenant)["token"]
        vault.protect(tenant)
        vault.reveal(tenant, token)
        vault.lookup(tenant)
        vault.verify(tenant, token)
    assert {each.operation for each in to("dynamodb", sent)} == {
        "BatchGetItem",
        "PutItem",
        "Query",
        "TransactWriteItems",
        "UpdateItem",
    }


def write_units(vault: Vault, sent: list[Sent]) -> int:
    """By the calculator, of new items alone: their own and their index entries'; and of conditions on other rows."""
    transactions = [each.body["TransactItems"] for each in sent if each.operation == "TransactWriteItems"]
    units = A_CHECK * sum("ConditionCheck" in action for actions in transactions for action in actions)
    for table, action in writes(sent):
        item = action["Item"]  # binary values are base64 as JSON has them, which the calculator takes
        units += capacity.write_units(None, item, Writing.TRANSACTIONAL)
        description = vault.dynamodb.describe_table(TableName=vault.table(table))["Table"]
        for index in description.get("GlobalSecondaryIndexes", []):
            names = [key["AttributeName"] for key in (*index["KeySchema"], *description["KeySchema"])]
            if all(name in item for name in names):
                entry = {name: item[name] for name in names}
                keys = tuple(key["AttributeName"] for key in index["KeySchema"])
                units += capacity.index_write_units(None, entry, keys, Writing.TRANSACTIONAL)
    return units


WORST: dict[str, dict[str, Any]] = {
    "the longest subject id": {"subject": WORST_SUBJECT},
    "the longest number": {"subject": WORST_SUBJECT, "number": example("DE")},
    "a second jurisdiction": {"subject": WORST_SUBJECT, "jurisdiction": "CCPA"},
}


@pytest.mark.parametrize("request_", WORST.values(), ids=WORST.keys())
def test_a_protect_is_at_most_16_write_units(vault: Vault, tenant: str, request_: dict[str, Any]) -> None:
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant, **request_)
    assert write_units(vault, sent) <= MOST_WRITE_UNITS


def test_a_protect_with_consent_and_a_short_reference_is_at_most_18_write_units(vault: Vault, tenant: str) -> None:
    given_at = vault.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    consent = {"marketing_sms": {"consent": {"given_at": given_at, "evidence": "web form 12, 2026-01-01"}}}
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant, WORST_SUBJECT, purposes=consent)
    assert write_units(vault, sent) <= MOST_WITH_A_CONSENT


def test_the_longest_tenant_costs_no_more(vault: Vault) -> None:
    tenant = "t" * 64
    vault.protect(tenant, "warm-up")
    with vault.sending() as sent:
        vault.protect(tenant, WORST_SUBJECT)
    assert write_units(vault, sent) <= MOST_WRITE_UNITS


def test_a_reveal_is_at_most_2_read_units(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, WORST_SUBJECT, purposes={"account_security": {}, "delivery": {}, "fraud": {}})[
        "token"
    ]
    vault.reveal(tenant, token)
    with vault.sending() as sent:
        vault.reveal(tenant, token)
    (read,) = [each for each in sent if each.operation == "BatchGetItem"]
    units = 0.0
    for name, keys in read.body["RequestItems"].items():
        assert keys["ConsistentRead"] is True or name != vault.table("RecordKeys")
        for key in keys["Keys"]:
            item = vault.dynamodb.get_item(TableName=name, Key=key)["Item"]
            reading = Reading.STRONGLY_CONSISTENT if keys.get("ConsistentRead") else Reading.EVENTUALLY_CONSISTENT
            units += capacity.read_units(capacity.item_size(item), reading)
    assert units <= MOST_READ_UNITS


def protected(vault: Vault, tenant: str, count: int) -> list[str]:
    items = [{"subject_id": f"s-{at}", "number": number} for at, number in enumerate(variants("GB", count))]
    common = {"tenant_id": tenant, "purposes": {"account_security": {}}}
    return [each["token"] for each in vault.invoke("Protect", {**common, "items": items})["results"]]


def call(vault: Vault, function: str, tenant: str, token: str) -> None:
    match function:
        case "Protect":
            vault.protect(tenant, "another")
        case "Reveal":
            vault.reveal(tenant, token)
        case "Lookup":
            vault.lookup(tenant)
        case _:
            vault.verify(tenant, token)
