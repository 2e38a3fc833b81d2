"""Message keys as rows of RecordKeys, and back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from phone_vault.adapters.attribute_values import deserialized, serialized
from phone_vault.adapters.rows import holding_of, message_key_key, message_key_of, message_key_row
from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.stored_number import Grant

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY_ID = MessageKeyId("acme", "A" * 43, "delivery")
KEY = MessageKey(
    key_id=KEY_ID,
    generation=2,
    subject_id="subject-a",
    created_at=NOW,
    revision=7,
    wrapped_key=b"wrapped",
    branch_key_version=3,
    jurisdictions=(Jurisdiction.GDPR, Jurisdiction.CCPA),
    grants={"delivery": Grant(NOW, RetentionRule(30, RetentionStart.CREATED), Consent(NOW, "form 12"))},
    last_used={"delivery": NOW},
)
ROW = deserialized(serialized(message_key_row(KEY, "2026-01-31#07")))
READ = sorted(ROW.keys() - {"record_id", "due"})


def test_the_row_is_named_after_tenant_subject_and_purpose() -> None:
    assert message_key_key(KEY_ID) == {"record_id": f"acme#m#{'A' * 43}#delivery"}


def test_a_key_reads_back_as_it_was_written() -> None:
    assert message_key_of(KEY_ID, ROW) == KEY


def test_a_key_that_kms_wraps_reads_back_as_it_was_written() -> None:
    direct = replace(KEY, branch_key_version=None)
    row = deserialized(serialized(message_key_row(direct, "2026-01-31#07")))
    assert message_key_of(KEY_ID, row) == direct


@pytest.mark.parametrize(
    "other", [KEY_ID._replace(subject_ref="B" * 43), KEY_ID._replace(purpose="security")], ids=["subject", "purpose"]
)
def test_the_row_of_another_key_is_tampered_with(other: MessageKeyId) -> None:
    with pytest.raises(TamperedStore):
        message_key_of(other, ROW)


@pytest.mark.parametrize("attribute", READ)
def test_a_row_that_has_lost_something_is_tampered_with(attribute: str) -> None:
    row = {name: value for name, value in ROW.items() if name != attribute}
    with pytest.raises(TamperedStore):
        message_key_of(KEY_ID, row)


@pytest.mark.parametrize("value", [None, [None], object()], ids=["null", "list", "object"])
@pytest.mark.parametrize("attribute", READ)
def test_a_row_with_something_else_in_it_is_tampered_with(attribute: str, value: Any) -> None:
    with pytest.raises(TamperedStore):
        message_key_of(KEY_ID, {**ROW, attribute: value})


@pytest.mark.parametrize("attribute", ["created_at", "last_used"])
def test_a_moment_beyond_the_vaults_calendar_is_tampered_with(attribute: str) -> None:
    late = "9999-12-31T23:59:59Z"
    with pytest.raises(TamperedStore):
        message_key_of(KEY_ID, {**ROW, attribute: late if attribute == "created_at" else {"delivery": late}})


@pytest.mark.parametrize(
    "record_id", ["acme#tok_\x1b[2J", "acme#m#short#delivery", f"acme#m#{'A' * 43}#\x1b[31m", "acme#x"], ids=repr
)
def test_a_row_of_no_name_of_the_vault_is_not_counted(record_id: str) -> None:
    with pytest.raises(TamperedStore):
        holding_of({**ROW, "record_id": record_id})


def test_a_purpose_of_no_name_of_the_vault_is_not_counted() -> None:
    with pytest.raises(TamperedStore):
        holding_of({**ROW, "purposes": {"\x1b[31m": ROW["purposes"]["delivery"]}})
