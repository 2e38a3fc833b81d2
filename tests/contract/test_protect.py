"""Protect, to the letter of the contract."""

import hashlib
import re
from typing import Any

import pytest
from phonenumbers import PhoneNumberType

from tests.integration.support.numbers import AMERICAN, BRITISH, example
from tests.integration.support.vault import Vault, changed, problem

FIELDS = {"token", "created", "masked", "country", "number_type", "jurisdiction", "purposes", "expires_at"}


def test_the_answer_has_exactly_the_contracts_fields(vault: Vault, tenant: str) -> None:
    assert vault.protect(tenant).keys() == FIELDS


def test_a_new_number_is_created(vault: Vault, tenant: str) -> None:
    assert vault.protect(tenant)["created"] is True


def test_the_token_is_tok_and_at_least_20_of_the_alphabet(vault: Vault, tenant: str) -> None:
    assert re.fullmatch(r"tok_[0-9a-z]{20,}", vault.protect(tenant)["token"])


def test_the_tenant_is_default_when_none_is_named(vault: Vault) -> None:
    request = {"subject_id": "subject-default", "number": BRITISH, "purposes": {"delivery": {}}}
    stored = vault.invoke("Protect", request)
    assert vault.reveal("default", stored["token"], "delivery")["number"] == "+447400123456"


def test_the_same_number_of_the_same_subject_keeps_its_token(vault: Vault, tenant: str) -> None:
    first, second = vault.protect(tenant), vault.protect(tenant)
    assert (second["token"], second["created"]) == (first["token"], False)


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("+44 07400 123456", None),
        ("07400 123456", "GB"),
        ("(0)7400-123-456", "GB"),
        ("00 44 7400 123456", "GB"),
        ("tel:+44-7400-123456", None),
        ("\uff0b44 7400\u00a0123\u2013456", None),
    ],
    ids=["trunk", "national", "brackets", "idd", "uri", "wide"],
)
def test_every_spelling_is_one_number(vault: Vault, tenant: str, typed: str, region: str | None) -> None:
    first = vault.protect(tenant)
    more: dict[str, Any] = {"region": region} if region else {}
    assert vault.protect(tenant, number=typed, **more)["token"] == first["token"]


def test_several_subjects_share_a_number_under_several_tokens(vault: Vault, tenant: str) -> None:
    tokens = {vault.protect(tenant, subject)["token"] for subject in ("one", "two", "three")}
    assert len(tokens) == 3


def test_a_subject_may_have_several_numbers(vault: Vault, tenant: str) -> None:
    assert vault.protect(tenant)["token"] != vault.protect(tenant, number=AMERICAN)["token"]


def test_subject_ids_that_differ_in_case_are_different_subjects(vault: Vault, tenant: str) -> None:
    assert vault.protect(tenant, "Cust")["token"] != vault.protect(tenant, "cust")["token"]


def test_tenants_do_not_share_tokens(vault: Vault, tenant: str) -> None:
    assert vault.protect(tenant)["token"] != vault.protect(vault.tenant())["token"]


def test_tenants_that_run_together_with_a_subject_stay_apart(vault: Vault) -> None:
    """`a` + `b-c` and `a-b` + `c` must not meet in any key."""
    one = vault.protect("run", "together-x")
    other = vault.protect("run-together", "x")
    assert (one["created"], other["created"]) == (True, True)


@pytest.mark.parametrize(
    ("number", "masked", "country", "number_type"),
    [
        (BRITISH, "+44******3456", "GB", "mobile"),
        (AMERICAN, "+1******0123", "US", "fixed_line_or_mobile"),
        ("+800 1234 5678", "+800******78", "001", "toll_free"),
        (example("SH", PhoneNumberType.FIXED_LINE), "+290*****", "SH", "fixed_line"),
        (example("IT", PhoneNumberType.FIXED_LINE), "+39******5678", "IT", "fixed_line"),
    ],
    ids=["mobile", "shared", "non-geographic", "five digits", "leading zero"],
)
def test_mask_country_and_type_are_as_the_contract_says(
    vault: Vault, tenant: str, number: str, masked: str, country: str, number_type: str
) -> None:
    answer = vault.protect(tenant, number=number)
    assert (answer["masked"], answer["country"], answer["number_type"]) == (masked, country, number_type)


def test_purposes_are_answered_with_their_expiry(vault: Vault, tenant: str) -> None:
    answer = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})
    assert answer["purposes"].keys() == {"account_security", "delivery"}
    assert all(each.keys() == {"expires_at"} for each in answer["purposes"].values())


def test_expires_at_is_the_last_of_the_purposes(vault: Vault, tenant: str) -> None:
    answer = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})
    assert answer["expires_at"] == answer["purposes"]["account_security"]["expires_at"]


def test_protecting_again_merges_the_purposes(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    answer = vault.protect(tenant, purposes={"delivery": {}})
    assert answer["purposes"].keys() == {"account_security", "delivery"}


def test_the_default_jurisdiction_is_shown_when_none_is_declared(vault: Vault, tenant: str) -> None:
    """The number's own region, the United Kingdom, is inferred but not shown."""
    assert vault.protect(tenant)["jurisdiction"] == "GDPR"


def test_the_declared_jurisdiction_is_shown(vault: Vault, tenant: str) -> None:
    assert vault.protect(tenant, jurisdiction="CCPA")["jurisdiction"] == "CCPA"


def test_the_requests_own_jurisdiction_is_shown_when_protecting_again(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, jurisdiction="CCPA")
    assert vault.protect(tenant, jurisdiction="UK_GDPR")["jurisdiction"] == "UK_GDPR"


@pytest.mark.parametrize(
    ("typed", "check"),
    [
        ("+44 7400", "too short"),
        ("+44 7400 123456 123456", "too long"),
        ("+44 7700 900123", "assigned"),
        ("+44 7400 123456 ext. 12", "letters and extensions"),
        ("+44 7400 123456;ext=12", "no phone number has"),
        ("+1 201 555-CALL", "letters and extensions"),
        ("+44 7400 12345\u0666", "digits other than 0 to 9"),
        ("+44 7400\x00123456", "control characters"),
        ("", "not international"),
        ("07400 123456", "no region"),
        ("+999 7400 123456", "calling code"),
    ],
    ids=["short", "long", "range", "ext", "rfc3966", "vanity", "arabic", "null", "empty", "national", "code"],
)
def test_an_invalid_number_is_refused_with_the_check_that_failed(
    vault: Vault, tenant: str, typed: str, check: str
) -> None:
    answer = vault.protect(tenant, number=typed)
    assert problem(answer) == "invalid-number"
    assert check in answer["problem"]["detail"]
    assert not re.search(r"\d{3}", answer["problem"]["detail"])


@pytest.mark.parametrize(
    "subject_id",
    [
        "someone@example.com",
        "+anything",
        "7400123456",
        "447400123456",
        "07400123456",
        "7400-123-456",
        "44:7400.123_456",
    ],
)
def test_an_identifier_that_gives_the_number_away_is_refused(vault: Vault, tenant: str, subject_id: str) -> None:
    assert problem(vault.protect(tenant, subject_id)) == "identifier-not-pseudonymous"


@pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("spelling", ["+447400123456", "447400123456", "7400123456", "07400123456"])
def test_an_unsalted_digest_of_the_number_is_no_pseudonym(
    vault: Vault, tenant: str, digest: str, spelling: str
) -> None:
    subject_id = hashlib.new(digest, spelling.encode(), usedforsecurity=False).hexdigest().upper()
    assert problem(vault.protect(tenant, subject_id)) == "identifier-not-pseudonymous"


WRONG: dict[str, dict[str, Any]] = {
    "unknown field": {"colour": "red"},
    "unknown field beside": {"token": "tok_" + "0" * 25},
    "reference outside a batch": {"reference": "row 1"},
    "tenant too long": {"tenant_id": "t" * 65},
    "tenant empty": {"tenant_id": ""},
    "tenant with hash": {"tenant_id": "a#b"},
    "tenant null": {"tenant_id": None},
    "tenant number": {"tenant_id": 7},
    "tenant with newline": {"tenant_id": "acme\n"},
    "subject too long": {"subject_id": "s" * 129},
    "subject empty": {"subject_id": ""},
    "subject with hash": {"subject_id": "a#b"},
    "subject with space": {"subject_id": "a b"},
    "subject not ASCII": {"subject_id": "\u0661\u0662"},
    "subject list": {"subject_id": ["a"]},
    "number int": {"number": 447400123456},
    "number null": {"number": None},
    "number list": {"number": ["+44 7400 123456"]},
    "region lower": {"region": "gb"},
    "region unknown": {"region": "XX"},
    "region int": {"region": 44},
    "region null": {"region": None},
    "purposes empty": {"purposes": {}},
    "purposes list": {"purposes": ["account_security"]},
    "purposes null": {"purposes": None},
    "purpose null": {"purposes": {"account_security": None}},
    "purpose name": {"purposes": {"Account Security": {}}},
    "purpose extra": {"purposes": {"account_security": {"days": 9}}},
    "consent empty": {"purposes": {"marketing_sms": {"consent": {}}}},
    "consent without evidence": {"purposes": {"marketing_sms": {"consent": {"given_at": "2025-12-01T00:00:00Z"}}}},
    "consent with offset": {
        "purposes": {"marketing_sms": {"consent": {"given_at": "2025-12-01T00:00:00+00:00", "evidence": "e"}}}
    },
    "consent no date": {
        "purposes": {"marketing_sms": {"consent": {"given_at": "2025-02-30T00:00:00Z", "evidence": "e"}}}
    },
    "consent in future": {
        "purposes": {"marketing_sms": {"consent": {"given_at": "2999-01-01T00:00:00Z", "evidence": "e"}}}
    },
    "evidence too long": {
        "purposes": {"marketing_sms": {"consent": {"given_at": "2025-12-01T00:00:00Z", "evidence": "e" * 501}}}
    },
    "evidence with the number": {
        "purposes": {"marketing_sms": {"consent": {"given_at": "2025-12-01T00:00:00Z", "evidence": "07400 123 456"}}}
    },
    "evidence with another number": {
        "purposes": {"marketing_sms": {"consent": {"given_at": "2025-12-01T00:00:00Z", "evidence": "by +12015550123"}}}
    },
    "jurisdiction unknown": {"jurisdiction": "MARS"},
    "jurisdiction null": {"jurisdiction": None},
    "tenant is the number": {"tenant_id": "447400123456"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_a_request_of_wrong_shape_is_refused_and_stores_nothing(
    vault: Vault, tenant: str, change: dict[str, Any]
) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "number": BRITISH, "purposes": {"account_security": {}}}
    with vault.sending() as sent:
        answer = vault.invoke("Protect", request | change)
    assert problem(answer) == "invalid-request"
    assert not changed(sent)


@pytest.mark.parametrize("field", ["subject_id", "number", "purposes"])
def test_a_field_that_is_missing_is_named(vault: Vault, tenant: str, field: str) -> None:
    request = {"tenant_id": tenant, "subject_id": "s", "number": BRITISH, "purposes": {"account_security": {}}}
    del request[field]
    answer = vault.invoke("Protect", request)
    assert [each["pointer"] for each in answer["problem"]["errors"]] == [f"/{field}"]


@pytest.mark.parametrize("payload", [None, [], "text", 7, True], ids=repr)
def test_a_payload_that_is_no_object_is_refused(vault: Vault, payload: object) -> None:
    assert problem(vault.invoke("Protect", payload)) == "invalid-request"


def test_several_faults_are_reported_together(vault: Vault) -> None:
    answer = vault.invoke("Protect", {"tenant_id": "", "purposes": {}, "colour": "red"})
    pointers = {each["pointer"] for each in answer["problem"]["errors"]}
    assert pointers == {"/tenant_id", "/subject_id", "/number", "/purposes", "/colour"}


def test_a_problem_is_as_rfc_9457_has_it(vault: Vault, tenant: str) -> None:
    answer = vault.protect(tenant, number="+44 7400")
    assert answer.keys() == {"problem"}
    assert answer["problem"].keys() == {"type", "title", "status", "detail"}
    assert answer["problem"]["status"] == 422


def test_a_consent_for_a_purpose_of_another_basis_is_refused(vault: Vault, tenant: str) -> None:
    consent = {"given_at": "2025-12-01T00:00:00Z", "evidence": "form 1"}
    assert problem(vault.protect(tenant, purposes={"delivery": {"consent": consent}})) == "invalid-request"
