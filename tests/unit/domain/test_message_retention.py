"""When a stricter jurisdiction ends what was live until now."""

from datetime import UTC, datetime, timedelta

import pytest

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.policy_file import parse
from phone_vault.domain.retention import AskedPurpose, ends_at, grant, is_live, merged, tightened

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RETENTION = {"days": 40, "from": "created", "jurisdictions": {"CCPA": 20}}
POLICY = parse({"purposes": {"fraud": {"lawful_basis": "contract", "retention": RETENTION}}})
FRAUD = POLICY.purposes["fraud"]
KEY = MessageKey(
    key_id=MessageKeyId("acme", "A" * 43, "fraud"),
    generation=1,
    subject_id="s",
    created_at=NOW,
    revision=1,
    wrapped_key=b"wrapped",
    branch_key_version=1,
    jurisdictions=(Jurisdiction.GDPR,),
    grants={"fraud": grant(FRAUD, None, [Jurisdiction.GDPR], NOW)},
    last_used={},
)


def test_a_further_jurisdiction_tightens_what_was_granted_before() -> None:
    key = tightened(KEY, [Jurisdiction.CCPA], POLICY)
    assert ends_at(key, "fraud", POLICY) == NOW + timedelta(days=20)


def test_a_laxer_jurisdiction_changes_no_end() -> None:
    key = tightened(tightened(KEY, [Jurisdiction.CCPA], POLICY), [Jurisdiction.OTHER], POLICY)
    assert ends_at(key, "fraud", POLICY) == NOW + timedelta(days=20)


def test_tightening_twice_is_tightening_once() -> None:
    once = tightened(KEY, [Jurisdiction.CCPA], POLICY)
    assert tightened(once, [Jurisdiction.CCPA], POLICY) == once


@pytest.mark.parametrize(("days", "live"), [(19, True), (20, False)])
def test_a_purpose_may_end_by_the_jurisdiction_that_a_grant_brings(days: int, live: bool) -> None:  # noqa: FBT001  a case
    now = NOW + timedelta(days=days)
    assert is_live(tightened(KEY, [Jurisdiction.CCPA], POLICY), "fraud", POLICY, now) is live


def test_a_grant_after_that_starts_anew() -> None:
    now = NOW + timedelta(days=25)
    key = merged(tightened(KEY, [Jurisdiction.CCPA], POLICY), [AskedPurpose(FRAUD, None)], POLICY, now)
    assert ends_at(key, "fraud", POLICY) == now + timedelta(days=20)
