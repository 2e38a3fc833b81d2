"""Stored numbers as rows of RecordKeys, and back."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from phone_vault.adapters.attribute_values import deserialized, serialized
from phone_vault.adapters.rows import record_of, record_row
from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.policy_file import parse
from phone_vault.domain.retention import live_purposes
from phone_vault.domain.stored_number import Grant, IndexPosition, StoredNumber
from tests.unit.samples import POLICY, cases

NOW = datetime(2026, 1, 1, 12, 30, 45, tzinfo=UTC)
RECORD = StoredNumber(
    tenant_id="acme",
    token="tok_" + "a" * 25,
    subject_id="cust-1",
    subject_ref="ref",
    created_at=NOW,
    revision=3,
    wrapped_key=b"\0wrapped",
    branch_key_version=2,
    jurisdictions=(Jurisdiction.UK_GDPR, Jurisdiction.CCPA),
    grants={
        "security": Grant(NOW, RetentionRule(90, RetentionStart.LAST_USED)),
        "marketing": Grant(
            NOW, RetentionRule(365, RetentionStart.CONSENT), Consent(NOW - timedelta(days=1), "form 7 \N{SNOWMAN}")
        ),
    },
    last_used={"security": NOW + timedelta(days=1)},
    index_positions={1: IndexPosition(b"index", b"binding", "9.0.43"), 2: IndexPosition(b"other", b"bound", "9.1.0")},
)


def row() -> dict[str, Any]:
    """As DynamoDB gives it back."""
    return deserialized(serialized(record_row(RECORD, "2026-04-01#07")))


def tampered(*way: str, value: object) -> dict[str, Any]:
    """The row with one thing changed."""
    changed = copy.deepcopy(row())
    place: Any = changed
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return changed


def test_a_record_comes_back_from_its_row() -> None:
    assert record_of(row()) == RECORD


@pytest.mark.parametrize("attribute", sorted(row().keys() - {"due"}))
def test_a_row_without_an_attribute_is_tampered(attribute: str) -> None:
    lacking = row()
    del lacking[attribute]
    with pytest.raises(TamperedStore):
        record_of(lacking)


@pytest.mark.parametrize("attribute", sorted(row().keys() - {"due", "record_id"}))
@pytest.mark.parametrize("value", cases({"null": None, "text": "x", "number": Decimal("1.5e300"), "list": [None]}))
def test_a_row_with_an_attribute_of_another_type_is_tampered_or_reads(attribute: str, value: object) -> None:
    try:
        record_of(tampered(attribute, value=value))
    except TamperedStore:
        return
    assert (attribute, type(value)) in {
        ("subject_id", str),
        ("subject_ref", str),
        ("revision", Decimal),
        ("branch_key_version", Decimal),
    }


TAMPERED: dict[str, Callable[[], dict[str, Any]]] = {
    "unknown-jurisdiction": lambda: tampered("jurisdictions", value=["LGPD"]),
    "unknown-start": lambda: tampered("purposes", "security", "from", value="birth"),
    "days-not-a-number": lambda: tampered("purposes", "security", "days", value=Decimal("NaN")),
    "days-infinite": lambda: tampered("purposes", "security", "days", value=Decimal("Infinity")),
    "days-as-text": lambda: tampered("purposes", "security", "days", value="many"),
    "time-with-offset": lambda: tampered("purposes", "security", "granted_at", value="2026-01-01T00:00:00+00:00"),
    "consent-as-text": lambda: tampered("purposes", "marketing", "consent", value="yes"),
    "evidence-as-number": lambda: tampered("purposes", "marketing", "consent", "evidence", value=Decimal(7)),
    "version-as-text": lambda: tampered("index_positions", value={"one": row()["index_positions"]["1"]}),
    "index-as-text": lambda: tampered("index_positions", "1", "blind_index", value="index"),
    "no-jurisdiction": lambda: tampered("jurisdictions", value=[]),
    "days-beyond-time": lambda: tampered("purposes", "security", "days", value=Decimal(10**9)),
    "days-beyond-counting": lambda: tampered("purposes", "security", "days", value=Decimal(10**30)),
}


@pytest.mark.parametrize("changed", TAMPERED.values(), ids=list(TAMPERED))
def test_a_row_that_the_vault_never_writes_is_tampered(changed: Callable[[], dict[str, Any]]) -> None:
    with pytest.raises(TamperedStore):
        live_purposes(record_of(changed()), parse(POLICY), NOW)
