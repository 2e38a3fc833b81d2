"""Ends of purposes under every policy."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.policy_file import parse
from phone_vault.domain.retention import AskedPurpose, ends_at, is_live, merged, tightened, used
from tests.unit.domain.test_retention import record

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(seconds=86_400)

moments = st.integers(0, 400 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))
jurisdictions = st.sampled_from(list(Jurisdiction))


@st.composite
def policies(draw: st.DrawFn) -> VaultPolicy:
    """Two purposes, of which `delivery` varies."""
    periods = st.integers(1, 365)
    retention = {
        "days": draw(periods),
        "from": draw(st.sampled_from(["created", "last_used"])),
        "jurisdictions": draw(st.dictionaries(jurisdictions.map(str), periods)),
    }
    return parse(
        {
            "purposes": {
                "delivery": {"lawful_basis": "contract", "retention": retention},
                "security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "created"}},
            }
        }
    )


@given(policies(), policies(), moments)
def test_no_policy_moves_an_end_to_later(stored: VaultPolicy, current: VaultPolicy, use: datetime) -> None:
    before = used(record(stored), "delivery", use)
    assert ends_at(before, "delivery", current) <= ends_at(before, "delivery", stored)


@given(policies(), moments, jurisdictions)
def test_a_further_jurisdiction_never_moves_a_live_purpose_s_end_to_later(
    rules: VaultPolicy, now: datetime, jurisdiction: Jurisdiction
) -> None:
    before = record(rules)
    after = merged(
        tightened(before, [jurisdiction], rules), [AskedPurpose(rules.purpose("security"), None)], rules, now
    )
    assert ends_at(after, "delivery", rules) <= ends_at(before, "delivery", rules)


@given(policies(), moments, moments)
def test_protecting_for_another_purpose_in_the_same_jurisdiction_moves_no_end(
    rules: VaultPolicy, use: datetime, now: datetime
) -> None:
    before = used(record(rules), "delivery", use)
    after = merged(
        tightened(before, [Jurisdiction.GDPR], rules), [AskedPurpose(rules.purpose("security"), None)], rules, now
    )
    assert ends_at(after, "delivery", rules) == ends_at(before, "delivery", rules)


@given(policies(), moments, jurisdictions)
def test_a_purpose_that_was_asked_for_is_live_afterwards(
    rules: VaultPolicy, now: datetime, jurisdiction: Jurisdiction
) -> None:
    after = merged(
        tightened(record(rules), [jurisdiction], rules), [AskedPurpose(rules.purpose("delivery"), None)], rules, now
    )
    assert is_live(after, "delivery", rules, now)


@given(policies(), st.lists(moments, max_size=10))
def test_uses_are_stored_at_most_once_a_utc_day(rules: VaultPolicy, uses: list[datetime]) -> None:
    stored = record(rules)
    days = []
    for moment in sorted(uses):
        after = used(stored, "delivery", moment)
        if after is not stored:
            days.append(moment.date())
        stored = after
    assert days == sorted({moment.date() for moment in uses})


@given(policies(), moments)
def test_an_end_is_whole_days_after_grant_or_use(rules: VaultPolicy, use: datetime) -> None:
    end = ends_at(used(record(rules), "delivery", use), "delivery", rules)
    assert (end - NOW) % DAY == timedelta(0) or (end - use) % DAY == timedelta(0)
