"""Counting what the vault holds."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phone_vault.domain.inventory import Holding, KeyVersion, Kind, OffBoarded, RingRow
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.keys import VAULT, KeyId, KeyState, KeyUse
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.policy_file import parse
from phone_vault.domain.rotation import Census
from phone_vault.domain.stored_number import Grant
from phone_vault.services.status import State, Status, VaultKeys, take_stock, with_censuses
from tests.unit.samples import POLICY

START = datetime(2026, 1, 1, tzinfo=UTC)
ARN = "arn:aws:kms:eu-west-1:123456789012:key/"
OWN_KEY = f"{ARN}own"
VAULT_KEYS = VaultKeys(kek="kek", storage="storage")
TENANTS = {"direct": {"wrapping": "direct"}, "keyed": {"kms_key": OWN_KEY}}
RULE = RetentionRule(30, RetentionStart.CREATED)


def holding(
    tenant: str = "acme",
    purposes: Iterable[str] = ("delivery",),
    *,
    kind: Kind = Kind.STORED_NUMBER,
    version: int | None = 1,
    rule: RetentionRule = RULE,
    jurisdictions: tuple[Jurisdiction, ...] = (Jurisdiction.GDPR,),
) -> Holding:
    return Holding(tenant, kind, version, jurisdictions, {name: Grant(START, rule) for name in purposes}, {})


def key(tenant: str, use: KeyUse, kms_key: str = "kek") -> KeyVersion:
    arn = kms_key if kms_key.startswith("arn:") else f"{ARN}{kms_key}"
    return KeyVersion(KeyId(tenant, use, 1), KeyState.ACTIVE, START, arn)


def counted(*holdings: Holding | None, keys: Iterable[RingRow | None] = (), after: timedelta = timedelta()) -> Status:
    policy = parse({**POLICY, "tenants": TENANTS})
    return take_stock(holdings, keys, policy, VAULT_KEYS, START + after)


def records(status: Status, kind: Kind = Kind.STORED_NUMBER, tenant: str = "acme") -> dict[State, int]:
    return dict(status.tenants[tenant].counts[kind].records)


# Records.


def test_a_purpose_is_live_one_second_before_its_end() -> None:
    assert records(counted(holding(), after=timedelta(days=30, seconds=-1))) == {State.LIVE: 1}


def test_a_purpose_has_ended_at_its_end() -> None:
    assert records(counted(holding(), after=timedelta(days=30))) == {State.ENDED: 1}


def test_a_record_is_live_while_one_of_its_purposes_is() -> None:
    status = counted(holding(purposes=["delivery", "security"], rule=RetentionRule(90, RetentionStart.CREATED)))
    later = counted(
        holding(purposes=["delivery", "security"], rule=RetentionRule(90, RetentionStart.CREATED)),
        after=timedelta(days=40),
    )
    assert (records(status), records(later)) == ({State.LIVE: 1}, {State.LIVE: 1})


def test_a_record_counts_for_each_of_its_purposes_by_that_purposes_state() -> None:
    several = holding(purposes=["delivery", "security"], rule=RetentionRule(90, RetentionStart.CREATED))
    by_purpose = counted(several, after=timedelta(days=40)).tenants["acme"].counts[Kind.STORED_NUMBER].by_purpose
    assert by_purpose == {"delivery": {State.ENDED: 1}, "security": {State.LIVE: 1}}


def test_message_keys_are_counted_apart() -> None:
    status = counted(holding(), holding(kind=Kind.MESSAGE_KEY), holding(kind=Kind.MESSAGE_KEY))
    assert (records(status), records(status, Kind.MESSAGE_KEY)) == ({State.LIVE: 1}, {State.LIVE: 2})


def test_a_purpose_that_left_the_policy_is_still_counted() -> None:
    by_purpose = counted(holding(purposes=["gone"])).tenants["acme"].counts[Kind.STORED_NUMBER].by_purpose
    assert by_purpose == {"gone": {State.LIVE: 1}}


def test_a_tenant_that_the_policy_names_is_listed_without_a_record() -> None:
    assert set(counted().tenants) == {"direct", "keyed"}


# Wrapping.


def test_records_are_counted_by_what_wraps_them() -> None:
    status = counted(holding(version=1), holding(version=2), holding(version=2), holding(version=None))
    wrapped = status.tenants["acme"].counts[Kind.STORED_NUMBER].by_wrapping
    assert wrapped == {"branch#1": 1, "branch#2": 2, "direct": 1}


@pytest.mark.parametrize(
    ("tenant", "version", "otherwise"), [("acme", 1, 0), ("acme", None, 1), ("direct", None, 0), ("direct", 1, 1)]
)
def test_what_is_wrapped_otherwise_than_the_policy_says_is_counted(
    tenant: str, version: int | None, otherwise: int
) -> None:
    status = counted(holding(tenant, version=version))
    assert status.tenants[tenant].otherwise_wrapped(Kind.STORED_NUMBER) == otherwise


# Keys.


WRAPPED: dict[str, tuple[KeyVersion, str, bool]] = {
    "by the Kek": (key("acme", KeyUse.BRANCH), "Kek", True),
    "by a key that the policy does not name": (key("acme", KeyUse.BRANCH, OWN_KEY), OWN_KEY, False),
    "by the tenant's own key": (key("keyed", KeyUse.INDEX, OWN_KEY), OWN_KEY, True),
    "by the Kek before the tenant had its own": (key("keyed", KeyUse.INDEX), "Kek", False),
    "an audit key by Storage": (key("keyed", KeyUse.AUDIT, "storage"), "Storage", True),
    "an audit key by the Kek": (key("acme", KeyUse.AUDIT), "Kek", False),
}


@pytest.mark.parametrize(("version", "wrapped_by", "as_policy_says"), WRAPPED.values(), ids=WRAPPED.keys())
def test_a_key_version_says_what_wraps_it(version: KeyVersion, wrapped_by: str, *, as_policy_says: bool) -> None:
    (found,) = counted(keys=[version]).tenants[version.key_id.tenant_id].keys
    assert (found.wrapped_by, found.as_policy_says) == (wrapped_by, as_policy_says)


def test_a_key_version_says_its_age() -> None:
    (found,) = counted(keys=[key("acme", KeyUse.BRANCH)], after=timedelta(days=7)).tenants["acme"].keys
    assert found.age == timedelta(days=7)


def test_the_vaults_own_key_belongs_to_no_tenant() -> None:
    status = counted(keys=[key(VAULT, KeyUse.AUDIT, "storage")])
    assert (VAULT in status.tenants, len(status.vault_keys)) == (False, 1)


def test_a_tenant_that_has_left_says_since_when_and_is_not_unreadable() -> None:
    status = counted(keys=[OffBoarded("acme", START)])
    assert (status.tenants["acme"].off_boarded_at, status.unreadable) == (START, {})


# Censuses.


def versions_after(census: Census) -> dict[str, int | None]:
    keys = [key("acme", use) for use in (KeyUse.BRANCH, KeyUse.INDEX, KeyUse.AUDIT)]
    status = with_censuses(counted(keys=keys), {"acme": census})
    return {each.key.key_id.name: each.records for each in status.tenants["acme"].keys}


def test_a_version_has_the_records_of_the_last_census() -> None:
    census = Census("acme", START, {"branch/1": 7}, stored_numbers=7, message_keys=0)
    assert versions_after(census) == {"branch#1": 7, "index#1": 0, "audit#1": None}


def test_a_census_says_nothing_of_a_version_that_was_made_after_it() -> None:
    census = Census("acme", START - timedelta(seconds=1), {"branch/1": 7}, stored_numbers=7, message_keys=0)
    assert set(versions_after(census).values()) == {None}


def test_a_tenant_without_a_census_has_none() -> None:
    status = with_censuses(counted(keys=[key("acme", KeyUse.BRANCH)]), {})
    assert (status.tenants["acme"].census, status.tenants["acme"].keys[0].records) == (None, None)


# Rows that the vault has not written so.


UNREADABLE: dict[str, Holding | None] = {
    "does not read": None,
    "beyond the calendar": holding(rule=RetentionRule(10**9, RetentionStart.CREATED)),
    "no jurisdiction": holding(jurisdictions=()),
}


@pytest.mark.parametrize("row", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_row_is_counted_apart_and_hides_no_other(row: Holding | None) -> None:
    status = counted(row, holding())
    assert (dict(status.unreadable), records(status)) == ({"RecordKeys": 1}, {State.LIVE: 1})


def test_an_unreadable_key_is_counted_apart() -> None:
    assert counted(keys=[None]).unreadable == {"KeyRing": 1}


# Size.


def test_rows_are_taken_one_by_one_and_not_kept() -> None:
    alive = 0

    class Watched(Holding):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def rows() -> Iterator[Any]:
        nonlocal alive
        for _ in range(1000):
            row = holding()
            alive += 1
            yield Watched(row.tenant_id, row.kind, 1, row.jurisdictions, row.grants, row.last_used)
            assert alive <= 2

    take_stock(rows(), (), parse(POLICY), VAULT_KEYS, START)
    assert alive <= 1
