"""A new key is wrapped as the policy says now, an existing one unwrapped as it was wrapped then."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.crypto.numbers import new_key
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.policy_file import parse
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.wrapped_record import WrappedRecordKey
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.tally import Measure, Tally
from tests.fakes import NEW_YEAR, ManualClock, MemoryKeyRingStore, MemoryKeyWrapper
from tests.unit.samples import POLICY

KEY_ID = MessageKeyId("acme", "A" * 43, "delivery")
BRANCH: Mapping[str, Any] = {}
DIRECT: Mapping[str, Any] = {"acme": {"wrapping": "direct"}}


class Setting:
    """One vault under a policy that can change."""

    def __init__(self, tenants: Mapping[str, Any]) -> None:
        self.tally = Tally()
        self._wrapper = MemoryKeyWrapper()
        self._key_ring = KeyRing(
            MemoryKeyRingStore(),
            self._wrapper,
            ManualClock(),
            self.tally,
            max_age=timedelta(seconds=300),
            capacity=10,
            mac_keys_from=KeyUse.SUBJECT,
        )
        self._key_ring.ensure("acme")
        self.under(tenants)

    def under(self, tenants: Mapping[str, Any]) -> RecordKeys:
        self.record_keys = RecordKeys(parse({**POLICY, "tenants": tenants}), self._key_ring, self._wrapper, self.tally)
        return self.record_keys


def record(wrapped: WrappedRecordKey) -> MessageKey:
    return MessageKey(
        key_id=KEY_ID,
        generation=1,
        subject_id="s",
        created_at=NEW_YEAR,
        revision=1,
        wrapped_key=wrapped.wrapped,
        branch_key_version=wrapped.branch_key_version,
        jurisdictions=(Jurisdiction.GDPR,),
        grants={},
        last_used={},
    )


def wrapped(setting: Setting, key: SecretKey) -> MessageKey:
    return record(setting.record_keys.wrap(key, KEY_ID.tenant_id, KEY_ID.name))


@pytest.mark.parametrize(("tenants", "version"), [(BRANCH, 1), (DIRECT, None)], ids=["branch", "direct"])
def test_a_record_says_what_wraps_its_key(tenants: Mapping[str, Any], version: int | None) -> None:
    assert wrapped(Setting(tenants), new_key()).branch_key_version == version


@pytest.mark.parametrize(("before", "after"), [(BRANCH, DIRECT), (DIRECT, BRANCH)], ids=["to direct", "to branch"])
def test_a_key_is_unwrapped_as_it_was_wrapped_whatever_the_policy_says_since(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    setting, key = Setting(before), new_key()
    existing = wrapped(setting, key)
    assert setting.under(after).unwrap(existing).expose() == key.expose()


@pytest.mark.parametrize("tenants", [BRANCH, DIRECT], ids=["branch", "direct"])
def test_a_key_of_another_record_is_a_tampered_store(tenants: Mapping[str, Any]) -> None:
    setting = Setting(tenants)
    moved = replace(wrapped(setting, new_key()), key_id=KEY_ID._replace(purpose="security"))
    with pytest.raises(TamperedStore):
        setting.record_keys.unwrap(moved)


@pytest.mark.parametrize(("tenants", "calls"), [(BRANCH, 0), (DIRECT, 3)], ids=["branch", "direct"])
def test_each_use_of_a_directly_wrapped_key_counts_as_a_call_of_kms(tenants: Mapping[str, Any], calls: int) -> None:
    setting = Setting(tenants)
    setting.record_keys.unwrap(wrapped(setting, new_key()))  # whatever it takes to be warm
    setting.tally.take()
    existing = wrapped(setting, new_key())
    setting.record_keys.unwrap(existing)
    setting.record_keys.unwrap(existing)
    assert setting.tally.take()[0][Measure.KMS_CALLS] == calls
