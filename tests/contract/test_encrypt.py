"""Encrypt, to the letter of the contract."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.support.messages import (
    client,
    decrypt,
    encrypt,
    keys,
    message_key,
    message_row,
    raw,
)
from tests.integration.support.numbers import AMERICAN, BRITISH, example
from tests.integration.support.policy import SENDER
from tests.integration.support.vault import Vault, changed, problem

CALIFORNIAN = "+1 415 555 0123"
FORM = {"given_at": "2025-12-01T00:00:00Z", "evidence": "form 12"}


def consent(vault: Vault, **ago: int) -> dict[str, str]:
    """Given so long ago."""
    return {"given_at": f"{vault.clock.now() - timedelta(**ago):%Y-%m-%dT%H:%M:%SZ}", "evidence": "form 12"}


def lasting(vault: Vault, answer: Any) -> timedelta:
    return datetime.fromisoformat(answer["expires_at"]) - vault.clock.now()


def test_the_answer_has_exactly_the_contracts_fields(vault: Vault, tenant: str) -> None:
    assert encrypt(vault, tenant).keys() == {"message", "expires_at"}


def test_the_tenant_is_default_when_none_is_named(vault: Vault) -> None:
    request = {"subject_id": "subject-default", "number": BRITISH, "purpose": "delivery"}
    message = vault.invoke("Encrypt", request)["message"]
    assert decrypt(vault, "default", message, "subject-default", "delivery")["number"] == "+447400123456"


@pytest.mark.parametrize(
    ("typed", "more"),
    [("+44 07400 123456", {}), ("07400 123456", {"region": "GB"}), ("tel:+44-7400-123456", {})],
    ids=["trunk", "national", "uri"],
)
def test_every_spelling_is_encrypted_as_the_one_number(
    vault: Vault, tenant: str, typed: str, more: dict[str, str]
) -> None:
    message = encrypt(vault, tenant, number=typed, **more)["message"]
    assert decrypt(vault, tenant, message)["number"] == "+447400123456"


def test_nothing_of_the_number_is_stored(vault: Vault, tenant: str) -> None:
    with vault.sending() as sent:
        encrypt(vault, tenant)
    assert changed(sent) == {"KeyRing", "RecordKeys", "Subjects"}


def test_the_same_number_twice_makes_two_messages(vault: Vault, tenant: str) -> None:
    assert encrypt(vault, tenant)["message"] != encrypt(vault, tenant)["message"]


def test_a_subject_and_purpose_have_one_key(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    encrypt(vault, tenant, number=AMERICAN)
    assert len(vault.rows("RecordKeys", f"{tenant}#m#")) == 1


def test_each_purpose_has_a_key_of_its_own(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    encrypt(vault, tenant, purpose="delivery")
    assert message_key(vault, tenant) != message_key(vault, tenant, "delivery")


def test_the_key_is_a_member_of_its_subject(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant)
    (member,) = vault.rows("Subjects", tenant)
    (key,) = vault.rows("RecordKeys", tenant)
    assert member["subject"]["S"] == f"{tenant}#{key['subject_ref']['S']}"
    assert member["member"]["S"] == "m#account_security"


# Readable by others' tools.


def test_the_plain_sdk_reads_a_message_given_the_message_key(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    plaintext, _ = client().decrypt(source=message, key_provider=keys(message=message_key(vault, tenant)))
    assert plaintext == b"+447400123456"


def test_a_message_says_what_it_belongs_to_without_the_subject_id(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    _, header = client().decrypt(source=message, key_provider=keys(message=message_key(vault, tenant)))
    assert header.encryption_context == {
        "tenant": tenant,
        "subject": message_row(vault, tenant)["subject_ref"]["S"],
        "purpose": "account_security",
        "generation": "1",
        "use": "message",
    }


def test_a_message_has_a_commitment_no_signature_and_one_data_key(vault: Vault, tenant: str) -> None:
    message = raw(encrypt(vault, tenant))
    _, header = client().decrypt(source=message, key_provider=keys(message=message_key(vault, tenant)))
    assert (header.algorithm.name, len(header.encrypted_data_keys)) == ("AES_256_GCM_HKDF_SHA512_COMMIT_KEY", 1)


# Expiry.


def test_expires_at_is_that_of_the_purpose(vault: Vault, tenant: str) -> None:
    assert lasting(vault, encrypt(vault, tenant, purpose="delivery")) == timedelta(days=30)


def test_a_live_purpose_keeps_its_start(vault: Vault, tenant: str) -> None:
    first = encrypt(vault, tenant, purpose="delivery")
    vault.clock.advance(days=29)
    assert encrypt(vault, tenant, purpose="delivery")["expires_at"] == first["expires_at"]


def test_a_purpose_that_has_ended_starts_anew(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="delivery")
    vault.clock.advance(days=30)
    assert lasting(vault, encrypt(vault, tenant, purpose="delivery")) == timedelta(days=30)


def test_a_purpose_granted_anew_does_not_revive_the_messages_of_the_ended_one(vault: Vault, tenant: str) -> None:
    old = encrypt(vault, tenant, purpose="delivery")["message"]
    vault.clock.advance(days=30)
    new = encrypt(vault, tenant, purpose="delivery")["message"]
    assert problem(decrypt(vault, tenant, old, purpose="delivery")) == "purpose-not-permitted"
    assert decrypt(vault, tenant, new, purpose="delivery")["number"] == "+447400123456"


def test_a_purpose_granted_anew_leaves_nothing_of_the_key_before(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="delivery")
    before = message_key(vault, tenant, "delivery")
    vault.clock.advance(days=30)
    encrypt(vault, tenant, purpose="delivery")
    assert message_key(vault, tenant, "delivery") != before


def test_a_grant_anew_forgets_the_last_use(vault: Vault, tenant: str) -> None:
    decrypt(vault, tenant, encrypt(vault, tenant)["message"])
    vault.clock.advance(days=90)
    encrypt(vault, tenant)
    assert message_row(vault, tenant)["last_used"] == {"M": {}}


def test_the_numbers_own_region_only_tightens(vault: Vault, tenant: str) -> None:
    """`fraud` is kept 40 days under the GDPR, the default, and 20 under the CCPA, which a Californian number infers."""
    assert lasting(vault, encrypt(vault, tenant, number=CALIFORNIAN, purpose="fraud")) == timedelta(days=20)


def test_a_number_of_a_stricter_region_tightens_the_key_that_others_share(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="fraud")
    vault.clock.advance(days=5)
    answer = encrypt(vault, tenant, number=CALIFORNIAN, purpose="fraud")
    assert lasting(vault, answer) == timedelta(days=15)


def test_what_a_stricter_region_ends_is_not_revived_by_the_grant_that_it_comes_with(vault: Vault, tenant: str) -> None:
    old = encrypt(vault, tenant, purpose="fraud")["message"]
    vault.clock.advance(days=25)
    new = encrypt(vault, tenant, number=CALIFORNIAN, purpose="fraud")
    assert lasting(vault, new) == timedelta(days=20)
    assert problem(decrypt(vault, tenant, old, purpose="fraud")) == "purpose-not-permitted"


# Consent.


def test_a_consent_purpose_without_a_consent_is_refused(vault: Vault, tenant: str) -> None:
    assert problem(encrypt(vault, tenant, purpose="marketing_sms")) == "consent-required"


def test_a_consent_purpose_lasts_from_the_consent(vault: Vault, tenant: str) -> None:
    answer = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    assert lasting(vault, answer) == timedelta(days=355)


def test_a_live_consent_needs_no_other(vault: Vault, tenant: str) -> None:
    first = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    assert encrypt(vault, tenant, purpose="marketing_sms")["expires_at"] == first["expires_at"]


def test_a_newer_consent_moves_the_purpose(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    answer = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=1))
    assert lasting(vault, answer) == timedelta(days=364)


def test_a_newer_consent_keeps_the_messages_of_a_live_purpose(vault: Vault, tenant: str) -> None:
    old = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))["message"]
    encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=1))
    assert decrypt(vault, tenant, old, purpose="marketing_sms")["number"] == "+447400123456"


def test_an_older_consent_moves_nothing(vault: Vault, tenant: str) -> None:
    first = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    answer = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=20))
    assert answer["expires_at"] == first["expires_at"]


def test_a_consent_older_than_its_retention_is_refused(vault: Vault, tenant: str) -> None:
    answer = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=365))
    assert problem(answer) == "consent-required"


def test_a_consent_older_than_its_retention_is_refused_while_a_newer_one_is_live(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    answer = encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=365))
    assert problem(answer) == "consent-required"


def test_a_refusal_for_want_of_consent_changes_nothing_for_a_new_tenant(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="marketing_sms")
    assert not any(vault.tables(tenant).values())


def test_a_refusal_for_want_of_consent_leaves_the_key_as_it_was(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    vault.clock.advance(days=355)
    before = vault.tables(tenant)
    encrypt(vault, tenant, purpose="marketing_sms")
    assert vault.tables(tenant) == before


def test_an_ended_consent_does_not_carry_a_new_grant(vault: Vault, tenant: str) -> None:
    encrypt(vault, tenant, purpose="marketing_sms", consent=consent(vault, days=10))
    vault.clock.advance(days=355)
    assert problem(encrypt(vault, tenant, purpose="marketing_sms")) == "consent-required"


def test_a_consent_for_a_purpose_of_another_basis_is_refused(vault: Vault, tenant: str) -> None:
    assert problem(encrypt(vault, tenant, purpose="delivery", consent=FORM)) == "invalid-request"


def test_a_consent_for_a_purpose_of_another_basis_makes_no_keys(vault: Vault, tenant: str) -> None:
    with vault.sending() as sent:
        encrypt(vault, tenant, purpose="delivery", consent=FORM)
    assert not changed(sent)


# Shape.


WRONG: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": "red"},
    "purposes": {"purposes": {"delivery": {}}},
    "jurisdiction": {"jurisdiction": "CCPA"},
    "reason": {"reason": ["no text"]},
    "reference outside a batch": {"reference": "row 1"},
    "tenant with hash": {"tenant_id": "a#b"},
    "tenant is the number": {"tenant_id": "447400123456"},
    "subject too long": {"subject_id": "s" * 129},
    "subject with hash": {"subject_id": "a#b"},
    "number int": {"number": 447400123456},
    "region unknown": {"region": "XX"},
    "purpose null": {"purpose": None},
    "purpose list": {"purpose": ["delivery"]},
    "purpose name": {"purpose": "Account Security"},
    "consent null": {"consent": None},
    "consent empty": {"consent": {}},
    "consent in future": {"consent": {"given_at": "2999-01-01T00:00:00Z", "evidence": "e"}},
    "evidence too long": {"consent": {"given_at": "2025-12-01T00:00:00Z", "evidence": "e" * 501}},
    "evidence with the number": {"consent": {"given_at": "2025-12-01T00:00:00Z", "evidence": "07400 123 456"}},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_wrong_shape_is_refused_and_stores_nothing(
    vault: Vault, tenant: str, change: dict[str, Any]
) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "number": BRITISH, "purpose": "marketing_sms"}
    with vault.sending() as sent:
        answer = vault.invoke("Encrypt", request | change)
    assert problem(answer) == "invalid-request"
    assert not changed(sent)


@pytest.mark.parametrize("field", ["subject_id", "number", "purpose"])
def test_a_field_that_is_missing_is_named(vault: Vault, tenant: str, field: str) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "number": BRITISH, "purpose": "delivery"}
    del request[field]
    answer = vault.invoke("Encrypt", request)
    assert [each["pointer"] for each in answer["problem"]["errors"]] == [f"/{field}"]


FIRST: list[tuple[str, dict[str, Any], str | None]] = [
    ("invalid-request", {"colour": "red", "subject_id": "a@b", "number": "+44 7400", "purpose": "x"}, SENDER),
    ("identifier-not-pseudonymous", {"subject_id": "a@b", "number": "+44 7400", "purpose": "x"}, SENDER),
    ("invalid-request", {"subject_id": "a b", "number": "+44 7400", "purpose": "x"}, SENDER),
    ("invalid-number", {"number": "+44 7400", "purpose": "x"}, SENDER),
    ("principal-not-permitted", {"purpose": "x"}, SENDER),
    ("purpose-not-registered", {"purpose": "x"}, None),
    ("consent-required", {"purpose": "marketing_sms"}, None),
]


@pytest.mark.parametrize(("name", "request_", "principal"), FIRST, ids=[str(at) for at in range(len(FIRST))])
def test_of_several_problems_the_contracts_first_is_reported(
    vault: Vault, tenant: str, name: str, request_: dict[str, Any], principal: str | None
) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "number": BRITISH, **request_}
    assert problem(vault.invoke("Encrypt", request, principal=principal)) == name


def test_a_principal_may_encrypt_for_its_own_purposes_only(vault: Vault) -> None:
    request = {"tenant_id": "acme", "subject_id": "s", "number": BRITISH}
    answers = [vault.invoke("Encrypt", {**request, "purpose": p}, alias="billing") for p in ("delivery", "fraud")]
    assert [problem(each) for each in answers] == [None, "principal-not-permitted"]


# Batches.


def test_a_batch_answers_in_order_with_references(vault: Vault, tenant: str) -> None:
    numbers = [BRITISH, AMERICAN, example("DE")]
    items = [{"number": each, "reference": f"row {at}"} for at, each in enumerate(numbers)]
    request = {"tenant_id": tenant, "subject_id": "subject-a", "purpose": "account_security", "items": items}
    results = vault.invoke("Encrypt", request)["results"]
    assert [each["reference"] for each in results] == ["row 0", "row 1", "row 2"]
    read = [decrypt(vault, tenant, each["message"])["number"] for each in results]
    assert read == ["+447400123456", "+12015550123", example("DE")]


def test_one_bad_item_fails_alone(vault: Vault, tenant: str) -> None:
    items: list[Any] = [{"number": BRITISH}, {"number": "+44 7400"}, None, {"number": AMERICAN}]
    request = {"tenant_id": tenant, "subject_id": "s", "purpose": "delivery", "items": items}
    results = vault.invoke("Encrypt", request)["results"]
    assert [problem(each) for each in results] == [None, "invalid-number", "invalid-request", None]


def test_items_share_the_key_that_the_first_of_them_makes(vault: Vault, tenant: str) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "purpose": "delivery", "items": [{"number": BRITISH}] * 5}
    vault.invoke("Encrypt", request)
    assert len(vault.rows("RecordKeys", tenant)) == 1


def test_over_http_a_problem_is_the_bare_object_with_its_status(vault: Vault, tenant: str) -> None:
    answer = vault.invoke("Encrypt", {"tenant_id": tenant, "purpose": "delivery"}, principal=SENDER)
    assert (problem(answer), answer["problem"]["status"]) == ("invalid-request", 400)
