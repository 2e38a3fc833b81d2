"""A tenant whose settings changed meanwhile: what is stored stays readable, and what does not work says so."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.support.messages import decrypt, encrypt, message_row
from tests.integration.support.tenants import (
    MISSING_KEY,
    OTHER_KEY,
    OWN_KEY,
    disabled,
    make_key,
    with_tenants,
)
from tests.integration.support.vault import Vault, open_vault, problem
from tests.integration.support.wire import to

_NAMES = itertools.count(1)
BOTH_KEYS: dict[str, dict[str, Any]] = {"keeper-a": {"kms_key": OWN_KEY}, "keeper-b": {"kms_key": OTHER_KEY}}
"""Tenants on whose account the stack's roles know both keys, whatever the others' settings are."""
LEFT = {"former_kms_keys": [OWN_KEY]}


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with open_vault(with_tenants(BOTH_KEYS)) as opened:
        make_key(opened, OWN_KEY)
        make_key(opened, OTHER_KEY)
        yield opened


@pytest.fixture
def tenant() -> str:
    return f"changing-{next(_NAMES)}"


def set_to(vault: Vault, tenant: str, **settings: Any) -> None:
    """From now on the tenant has these settings and no other."""
    vault.replace_policy(with_tenants({**BOTH_KEYS, tenant: settings}))


# Wrapping.


CHANGES = [({}, {"wrapping": "direct"}), ({"wrapping": "direct"}, {})]
both_ways = pytest.mark.parametrize(("before", "after"), CHANGES, ids=["to direct", "to branch"])


@both_ways
def test_numbers_of_the_wrapping_before_stay_readable(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, **after)
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


@both_ways
def test_messages_of_the_wrapping_before_stay_readable(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    message = encrypt(vault, tenant)["message"]
    set_to(vault, tenant, **after)
    assert decrypt(vault, tenant, message)["number"] == "+447400123456"


@both_ways
def test_a_live_message_key_is_used_on_as_it_is_wrapped(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    encrypt(vault, tenant)
    wrapped = message_row(vault, tenant)
    set_to(vault, tenant, **after)
    encrypt(vault, tenant)
    assert message_row(vault, tenant) == wrapped


@both_ways
def test_the_same_number_again_keeps_its_token(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, **after)
    assert vault.protect(tenant)["token"] == token


@both_ways
def test_new_numbers_follow_the_setting(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    vault.protect(tenant)
    set_to(vault, tenant, **after)
    (row,) = vault.rows("RecordKeys", vault.protect(tenant, "another")["token"])
    assert (row["branch_key_version"] == {"N": "0"}) is (after.get("wrapping") == "direct")


@both_ways
def test_a_message_key_made_anew_follows_the_setting(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    encrypt(vault, tenant, purpose="delivery")
    set_to(vault, tenant, **after)
    vault.clock.advance(days=30)
    encrypt(vault, tenant, purpose="delivery")
    (row,) = vault.rows("RecordKeys", tenant)
    assert (row["branch_key_version"] == {"N": "0"}) is (after.get("wrapping") == "direct")


# Index.


def test_numbers_that_were_indexed_stay_readable_without_the_index(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, index=False)
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_numbers_that_were_indexed_are_not_found_any_more_and_the_answer_says_so(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, index=False)
    answers = [vault.lookup(tenant), vault.verify(tenant, token)]
    assert [problem(each) for each in answers] == ["invalid-request"] * 2


def test_numbers_that_were_indexed_are_found_once_the_index_is_back(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, index=False)
    vault.protect(tenant)
    set_to(vault, tenant)
    assert [each["token"] for each in vault.lookup(tenant)["matches"]] == [token]
    assert vault.verify(tenant, token) == {"match": True}


def test_numbers_stored_without_the_index_stay_readable_with_it(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, index=False)
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant)
    assert vault.reveal(tenant, token)["number"] == "+447400123456"


def test_verifying_a_number_stored_without_the_index_is_a_conflict_and_no_mismatch(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, index=False)
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant)
    answer = vault.verify(tenant, token)
    assert problem(answer) == "conflict"
    assert "kept no index" in answer["problem"]["detail"]


def test_a_number_stored_without_the_index_is_stored_again_with_it(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, index=False)
    blind = vault.protect(tenant)["token"]
    set_to(vault, tenant)
    indexed = vault.protect(tenant)
    assert (indexed["created"], indexed["token"] != blind) == (True, True)
    assert [each["token"] for each in vault.lookup(tenant)["matches"]] == [indexed["token"]]


# KMS key.


def test_keys_wrapped_by_the_kms_key_before_stay_in_use(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, kms_key=OWN_KEY)
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, **LEFT, kms_key=OTHER_KEY)
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    assert vault.protect(tenant)["token"] == token


@pytest.mark.parametrize(
    ("before", "after"), [({}, {"kms_key": OWN_KEY}), ({"kms_key": OWN_KEY}, LEFT)], ids=["from the Kek", "to the Kek"]
)
def test_numbers_stay_readable_from_and_to_the_kek(
    vault: Vault, tenant: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    set_to(vault, tenant, **before)
    token, message = vault.protect(tenant)["token"], encrypt(vault, tenant)["message"]
    set_to(vault, tenant, **after)
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    assert decrypt(vault, tenant, message)["number"] == "+447400123456"


def test_a_direct_tenants_numbers_of_both_kms_keys_are_readable(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, kms_key=OWN_KEY, wrapping="direct")
    before = vault.protect(tenant, "before")["token"]
    set_to(vault, tenant, **LEFT, kms_key=OTHER_KEY, wrapping="direct")
    after = vault.protect(tenant, "after")["token"]
    assert {vault.reveal(tenant, token)["number"] for token in (before, after)} == {"+447400123456"}


def test_a_direct_tenants_new_numbers_are_wrapped_by_the_new_kms_key(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, kms_key=OWN_KEY, wrapping="direct")
    vault.protect(tenant, "before")
    set_to(vault, tenant, **LEFT, kms_key=OTHER_KEY, wrapping="direct")
    with vault.sending() as sent:
        vault.protect(tenant, "after")
    assert [each.body["KeyId"] for each in to("kms", sent) if each.operation == "Encrypt"] == [OTHER_KEY]


def test_disabling_the_kms_key_before_stops_what_it_still_wraps(vault: Vault, tenant: str) -> None:
    """A changed setting moves nothing by itself: until it is moved, the tenant depends on both."""
    set_to(vault, tenant, kms_key=OWN_KEY)
    token = vault.protect(tenant)["token"]
    set_to(vault, tenant, **LEFT, kms_key=OTHER_KEY)
    with disabled(vault, OWN_KEY):
        assert problem(vault.reveal(tenant, token)) == "key-unavailable"


def test_a_kms_key_that_the_stack_was_not_told_of_is_key_unavailable(vault: Vault, tenant: str) -> None:
    set_to(vault, tenant, kms_key=MISSING_KEY)
    with vault.audited() as entries:
        assert problem(vault.protect(tenant)) == "key-unavailable"
    assert [(each["outcome"], each["problem"]) for each in entries] == [("refused", "key-unavailable")]
    assert not any(vault.tables(tenant).values())
