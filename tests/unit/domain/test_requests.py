"""Reading a request: all faults at once, in the contract's order."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import IdentifierNotPseudonymous, InvalidNumber, InvalidRequest
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import View
from phone_vault.domain.requests import MOST_PURPOSES, RequestReader
from tests.unit.samples import BRITISH, cases

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOKEN = "tok_" + "a1" * 12
Raw = Mapping[str, Any]
Read = Callable[[RequestReader], object]

EVERY_FIELD: dict[str, Any] = {
    "tenant_id": "acme",
    "subject_id": "cust-1",
    "number": "07400 123456",
    "region": "GB",
    "token": TOKEN,
    "purpose": "delivery",
    "purposes": {"delivery": {}},
    "jurisdiction": "GDPR",
    "idempotency_key": "import-7.120",
    "view": "masked",
    "reason": "case x",
}
REQUIRED = ["subject_id", "number", "token", "purpose", "purposes"]
OPTIONAL = sorted(EVERY_FIELD.keys() - set(REQUIRED))
CONSENT = {"given_at": "2026-05-31T12:00:00Z", "evidence": "form 7"}

NOT_STRINGS: dict[str, object] = {"null": None, "number": 7, "truth": True, "list": ["GB"], "object": {"a": "b"}}
MALFORMED: dict[str, dict[str, object]] = {
    "tenant_id": {"empty": "", "too-long": "a" * 65, "dot": "a.b", "hash": "a#b", "newline": "a\n", "umlaut": "ä"},
    "token": {
        "empty": "",
        "no-prefix": "a1" * 12,
        "too-short": "tok_" + "a" * 19,
        "capitals": "tok_" + "A" * 20,
        "space": TOKEN + " ",
        "hash": TOKEN + "#",
        "newline": TOKEN + "\n",
        "too-long": "tok_" + "a" * 1000,
    },
    "purpose": {"empty": "", "too-long": "a" * 65, "capitals": "Delivery", "hyphen": "de-livery", "newline": "a\n"},
    "region": {"empty": "", "lower-case": "gb", "name": "Britain", "world": "001", "unknown": "ZZ"},
    "jurisdiction": {"empty": "", "lower-case": "gdpr", "unknown": "LGPD"},
    "idempotency_key": {
        "empty": "",
        "too-long": "a" * 129,
        "space": "a b",
        "newline": "a\n",
        "the-number": "447400123456",
        "the-number-in-groups": "7400-123.456",
    },
    "view": {"empty": "", "capitals": "FULL", "star": "*"},
    "reason": {"too-long": "x" * 501, "a-number": "+1 201 555 0123", "own-number": "7400123456", "surrogate": "\ud800"},
    "purposes": {
        "empty": {},
        "list": ["delivery"],
        "too-many": {f"p_{index}": {} for index in range(MOST_PURPOSES + 1)},
        "bad-name": {"De-livery": {}},
        "null-detail": {"delivery": None},
        "list-detail": {"delivery": []},
        "true-detail": {"delivery": True},
        "unknown-detail": {"delivery": {"days": 7}},
        "null-consent": {"delivery": {"consent": None}},
        "empty-consent": {"delivery": {"consent": {}}},
        "consent-without-evidence": {"delivery": {"consent": {"given_at": CONSENT["given_at"]}}},
        "consent-without-time": {"delivery": {"consent": {"evidence": "form 7"}}},
        "consent-with-more": {"delivery": {"consent": CONSENT | {"by": "web"}}},
        "empty-evidence": {"delivery": {"consent": CONSENT | {"evidence": ""}}},
        "long-evidence": {"delivery": {"consent": CONSENT | {"evidence": "x" * 501}}},
        "null-evidence": {"delivery": {"consent": CONSENT | {"evidence": None}}},
        "evidence-with-a-number": {"delivery": {"consent": CONSENT | {"evidence": "+1 201 555 0123"}}},
        "evidence-with-own-number": {"delivery": {"consent": CONSENT | {"evidence": "07400 123456"}}},
        "consent-in-the-future": {"delivery": {"consent": CONSENT | {"given_at": "2026-06-01T12:00:01Z"}}},
        "consent-with-offset": {"delivery": {"consent": CONSENT | {"given_at": "2026-05-31T12:00:00+00:00"}}},
        "consent-by-timestamp": {"delivery": {"consent": CONSENT | {"given_at": 1_780_000_000}}},
        "null-time": {"delivery": {"consent": CONSENT | {"given_at": None}}},
    },
}
FAULTY = {
    f"{field}-{what}": (field, value)
    for field in EVERY_FIELD
    for what, value in (
        ({} if field == "purposes" else NOT_STRINGS)
        | ({"null": None} if field == "purposes" else {})
        | MALFORMED.get(field, {})
    ).items()
}


def read_everything(reader: RequestReader) -> dict[str, object]:
    """As no function does: all fields that there are."""
    read: dict[str, object] = {
        "tenant_id": reader.tenant_id(),
        "subject_id": reader.subject_id(),
        "number": reader.number(),
        "token": reader.token(),
        "purpose": reader.purpose(),
        "purposes": reader.purposes(),
        "jurisdiction": reader.jurisdiction(),
        "idempotency_key": reader.idempotency_key(),
        "view": reader.view(),
        "reason": reader.reason(),
    }
    reader.finish()
    return read


def read(raw: Raw) -> dict[str, object]:
    """A request by itself."""
    return read_everything(RequestReader(raw, NOW))


def pointers(raw: Raw) -> list[str]:
    """Where its faults are."""
    with pytest.raises(InvalidRequest) as refusal:
        read(raw)
    return [fault.pointer for fault in refusal.value.faults]


def without(field: str) -> Raw:
    """All fields but one."""
    return {name: value for name, value in EVERY_FIELD.items() if name != field}


def test_a_whole_request_is_read() -> None:
    assert read(EVERY_FIELD) == {
        "tenant_id": "acme",
        "subject_id": "cust-1",
        "number": BRITISH,
        "token": TOKEN,
        "purpose": "delivery",
        "purposes": {"delivery": None},
        "jurisdiction": Jurisdiction.GDPR,
        "idempotency_key": "import-7.120",
        "view": View.MASKED,
        "reason": "case x",
    }


@pytest.mark.parametrize("faulty", cases(FAULTY))
def test_a_faulty_field_is_named(faulty: tuple[str, object]) -> None:
    field, value = faulty
    assert pointers({**EVERY_FIELD, field: value}) == [f"/{field}"]


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_named(field: str) -> None:
    assert pointers(without(field)) == [f"/{field}"]


@pytest.mark.parametrize("field", [name for name in OPTIONAL if name != "region"])
def test_an_optional_field_may_be_missing(field: str) -> None:
    read(without(field))


def test_a_request_without_tenant_is_the_default_tenant_s() -> None:
    assert read(without("tenant_id"))["tenant_id"] == "default"


def test_a_request_without_view_asks_for_the_full_one() -> None:
    assert read(without("view"))["view"] is View.FULL


def test_a_request_without_jurisdiction_declares_none() -> None:
    assert read(without("jurisdiction"))["jurisdiction"] is None


def test_a_consent_is_read_with_its_time_and_evidence() -> None:
    purposes = {"delivery": {"consent": CONSENT}}
    consent = Consent(datetime(2026, 5, 31, 12, tzinfo=UTC), "form 7")
    assert read({**EVERY_FIELD, "purposes": purposes})["purposes"] == {"delivery": consent}


def test_a_consent_given_this_very_second_is_not_in_the_future() -> None:
    purposes = {"delivery": {"consent": CONSENT | {"given_at": "2026-06-01T12:00:00Z"}}}
    assert read({**EVERY_FIELD, "purposes": purposes})


def test_an_unknown_field_is_named() -> None:
    assert pointers(EVERY_FIELD | {"colour": "red"}) == ["/colour"]


@pytest.mark.parametrize("field", cases({"digits": "447400123456", "space": "a b", "long": "a" * 41, "slash": "a/b"}))
def test_an_unknown_field_that_may_hold_a_value_is_not_named(field: str) -> None:
    assert pointers(EVERY_FIELD | {field: 1}) == [""]


def test_a_reference_is_unknown_outside_a_batch() -> None:
    assert pointers(EVERY_FIELD | {"reference": "row 1"}) == ["/reference"]


def test_all_faults_are_reported_at_once() -> None:
    raw = {**EVERY_FIELD, "tenant_id": "", "token": None, "purpose": 7, "view": "x", "colour": "red"}
    del raw["subject_id"]
    assert set(pointers(raw)) == {"/tenant_id", "/subject_id", "/token", "/purpose", "/view", "/colour"}


def test_a_tenant_id_that_is_the_number_is_refused() -> None:
    assert pointers({**EVERY_FIELD, "tenant_id": "447400123456"}) == ["/tenant_id"]


def test_a_faulty_field_comes_before_a_subject_id_that_is_no_pseudonym() -> None:
    assert pointers({**EVERY_FIELD, "subject_id": "a@example.org", "purpose": ""}) == ["/purpose"]


def test_a_subject_id_that_is_no_pseudonym_comes_before_its_alphabet() -> None:
    with pytest.raises(IdentifierNotPseudonymous):
        read({**EVERY_FIELD, "subject_id": "ä@example.org"})


def test_a_subject_id_that_is_no_pseudonym_comes_before_an_invalid_number() -> None:
    with pytest.raises(IdentifierNotPseudonymous):
        read({**EVERY_FIELD, "subject_id": "a@example.org", "number": "7"})


@pytest.mark.parametrize(
    "subject_id",
    cases({"empty": "", "too-long": "a" * 129, "space": "a b", "umlaut": "ä", "hash": "a#", "line": "a\n"}),
)
def test_a_subject_id_of_another_alphabet_is_named(subject_id: str) -> None:
    assert pointers({**EVERY_FIELD, "subject_id": subject_id}) == ["/subject_id"]


def test_a_subject_id_s_alphabet_comes_before_an_invalid_number() -> None:
    assert pointers({**EVERY_FIELD, "subject_id": "a b", "number": "7"}) == ["/subject_id"]


def test_a_faulty_field_comes_before_an_invalid_number() -> None:
    assert pointers({**EVERY_FIELD, "number": "7", "view": "x"}) == ["/view"]


def test_an_invalid_number_alone_is_its_own_refusal() -> None:
    with pytest.raises(InvalidNumber, match="too short"):
        read({**EVERY_FIELD, "number": "+44 740"})


def test_a_subject_id_of_all_its_alphabet_and_length_is_accepted() -> None:
    read({**EVERY_FIELD, "subject_id": "aZ9_.:-" + "x" * 121})


class TestReference:
    """What an item of a batch is told apart by."""

    @staticmethod
    def reference_of(raw: Raw) -> str | None:
        """As the answer would return it, faults or not."""
        reader = RequestReader(raw, NOW, in_batch=True)
        with suppress(InvalidRequest, InvalidNumber, IdentifierNotPseudonymous):
            read_everything(reader)
        return reader.reference()

    def test_it_is_returned_as_it_came(self) -> None:
        assert self.reference_of(EVERY_FIELD | {"reference": " row 1/ä "}) == " row 1/ä "

    def test_it_is_returned_for_a_faulty_item_too(self) -> None:
        assert self.reference_of({**EVERY_FIELD, "reference": "row 1", "view": "x"}) == "row 1"

    @pytest.mark.parametrize("reference", cases({"null": None, "number": 7, "long": "x" * 501, "surrogate": "\ud800"}))
    def test_a_malformed_one_is_not_returned(self, reference: object) -> None:
        assert self.reference_of(EVERY_FIELD | {"reference": reference}) is None

    @pytest.mark.parametrize("reference", cases({"own": "row 07400 123456", "other": "row +1 201 555 0123"}))
    def test_one_that_holds_a_number_is_not_returned(self, reference: str) -> None:
        assert self.reference_of(EVERY_FIELD | {"reference": reference}) is None

    def test_one_that_holds_what_was_typed_for_an_unreadable_number_is_not_returned(self) -> None:
        assert self.reference_of({**without("region"), "reference": "row 07400123456"}) is None

    def test_one_that_holds_a_number_is_a_fault(self) -> None:
        reader = RequestReader(EVERY_FIELD | {"reference": "+1 201 555 0123"}, NOW, in_batch=True)
        with pytest.raises(InvalidRequest, match=r"^/reference: must not contain a phone number$"):
            read_everything(reader)


class TestCommonFields:
    """What stands beside a batch's items."""

    SHARED: ClassVar = {field: value for field, value in EVERY_FIELD.items() if field != "idempotency_key"}

    @staticmethod
    def check(raw: Raw) -> None:
        """As a batch does."""
        read_everything(RequestReader(raw, NOW, in_batch=True, partial=True))

    @pytest.mark.parametrize("field", sorted(SHARED))
    def test_any_field_may_be_missing(self, field: str) -> None:
        self.check({name: value for name, value in self.SHARED.items() if name != field})

    def test_there_may_be_none(self) -> None:
        self.check({})

    @pytest.mark.parametrize("faulty", cases(FAULTY))
    def test_a_faulty_one_is_refused(self, faulty: tuple[str, object]) -> None:
        field, value = faulty
        with pytest.raises(InvalidRequest, match=f"/{field}: "):
            self.check({**self.SHARED, field: value})

    def test_an_idempotency_key_is_each_items_own(self) -> None:
        with pytest.raises(InvalidRequest, match="belongs in each item"):
            self.check({"idempotency_key": "import-7.120"})

    def test_an_unknown_one_is_refused(self) -> None:
        with pytest.raises(InvalidRequest):
            self.check({"colour": "red"})

    def test_a_national_number_waits_for_the_items_region(self) -> None:
        self.check({name: value for name, value in self.SHARED.items() if name != "region"})

    def test_a_number_that_no_region_makes_valid_is_refused(self) -> None:
        with pytest.raises(InvalidNumber):
            self.check({"number": "+44 740"})
