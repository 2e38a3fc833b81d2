"""When a purpose ends, to the second."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import ConsentRequired
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart, VaultPolicy
from phone_vault.domain.policy_file import parse
from phone_vault.domain.retention import (
    DUE_SHARDS,
    AskedPurpose,
    due_bucket,
    ends_at,
    grant,
    is_live,
    live_purposes,
    merged,
    tightened,
    used,
)
from phone_vault.domain.stored_number import Grant, StoredNumber, new_token
from tests.unit.samples import ONE_DAY_SECONDS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
GDPR = (Jurisdiction.GDPR,)


def days(count: float) -> timedelta:
    """Of 86,400 s, spelt out."""
    return timedelta(seconds=count * ONE_DAY_SECONDS)


def policy(
    *, basis: str = "contract", start: str = "created", period: int = 30, jurisdictions: Mapping[str, int] | None = None
) -> VaultPolicy:
    """One purpose as wanted, `delivery`, and one that never changes, `security`."""
    retention: dict[str, Any] = {"days": period, "from": start, "jurisdictions": jurisdictions or {}}
    return parse(
        {
            "purposes": {
                "delivery": {"lawful_basis": basis, "retention": retention},
                "security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "created"}},
            }
        }
    )


def consent(given_at: datetime) -> Consent:
    """With some proof."""
    return Consent(given_at, "form 7")


def record(
    rules: VaultPolicy, *, given: Consent | None = None, jurisdictions: tuple[Jurisdiction, ...] = GDPR
) -> StoredNumber:
    """A number protected for `delivery` at NOW."""
    return StoredNumber(
        tenant_id="acme",
        token="tok_" + "a" * 25,
        subject_id="cust-1",
        subject_ref="ref",
        created_at=NOW,
        revision=1,
        wrapped_key=b"",
        branch_key_version=1,
        jurisdictions=jurisdictions,
        grants={"delivery": grant(rules.purpose("delivery"), given, jurisdictions, NOW)},
        last_used={},
        index_positions={},
    )


def again(
    before: StoredNumber,
    rules: VaultPolicy,
    now: datetime,
    *,
    purpose: str = "delivery",
    given: Consent | None = None,
    jurisdiction: Jurisdiction = Jurisdiction.GDPR,
) -> StoredNumber:
    """The same number protected again for the same subject."""
    return merged(tightened(before, [jurisdiction], rules), [AskedPurpose(rules.purpose(purpose), given)], rules, now)


class TestStart:
    """What a retention counts from."""

    def test_created_counts_from_the_grant(self) -> None:
        rules = policy(start="created")
        assert ends_at(record(rules), "delivery", rules) == NOW + days(30)

    def test_created_does_not_move_with_use(self) -> None:
        rules = policy(start="created")
        assert ends_at(used(record(rules), "delivery", NOW + days(5)), "delivery", rules) == NOW + days(30)

    def test_last_used_counts_from_the_grant_before_the_first_use(self) -> None:
        rules = policy(start="last_used")
        assert ends_at(record(rules), "delivery", rules) == NOW + days(30)

    def test_last_used_counts_from_the_use(self) -> None:
        rules = policy(start="last_used")
        assert ends_at(used(record(rules), "delivery", NOW + days(5)), "delivery", rules) == NOW + days(35)

    def test_last_used_does_not_count_a_use_for_another_purpose(self) -> None:
        rules = policy(start="last_used")
        assert ends_at(used(record(rules), "security", NOW + days(5)), "delivery", rules) == NOW + days(30)

    def test_consent_counts_from_when_it_was_given(self) -> None:
        rules = policy(basis="consent", start="consent")
        assert ends_at(record(rules, given=consent(NOW - days(10))), "delivery", rules) == NOW + days(20)


class TestEnd:
    """The moment itself."""

    def test_a_purpose_is_live_one_second_before_its_end(self) -> None:
        rules = policy()
        assert is_live(record(rules), "delivery", rules, NOW + days(30) - SECOND)

    def test_a_purpose_has_ended_at_its_end(self) -> None:
        rules = policy()
        assert not is_live(record(rules), "delivery", rules, NOW + days(30))

    def test_a_purpose_that_was_never_granted_is_not_live(self) -> None:
        rules = policy()
        assert not is_live(record(rules), "security", rules, NOW)

    def test_live_purposes_come_with_their_ends(self) -> None:
        rules = policy()
        assert live_purposes(record(rules), rules, NOW) == {"delivery": NOW + days(30)}

    def test_ended_purposes_are_not_among_the_live(self) -> None:
        rules = policy()
        assert live_purposes(record(rules), rules, NOW + days(30)) == {}

    @pytest.mark.parametrize(
        ("granted", "end"),
        [
            pytest.param(
                datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC), id="summer-time"
            ),
            pytest.param(datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC), id="winter"),
            pytest.param(datetime(2028, 2, 28, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC), id="leap-day"),
            pytest.param(datetime(2026, 2, 27, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), id="no-leap-day"),
            pytest.param(datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC), id="end-of-year"),
            pytest.param(datetime(2016, 12, 31, tzinfo=UTC), datetime(2017, 1, 2, tzinfo=UTC), id="leap-second"),
        ],
    )
    def test_a_day_has_86400_seconds_everywhere_in_the_calendar(self, granted: datetime, end: datetime) -> None:
        rules = policy(period=2)
        stored = record(rules)
        moved = replace(stored, grants={"delivery": replace(stored.grants["delivery"], granted_at=granted)})
        assert ends_at(moved, "delivery", rules) == end


class TestPolicyThatChanged:
    """The earlier of what was stored and what the policy says now."""

    def test_a_shortened_retention_acts_at_once(self) -> None:
        assert ends_at(record(policy(period=30)), "delivery", policy(period=7)) == NOW + days(7)

    def test_a_lengthened_retention_does_not_act(self) -> None:
        assert ends_at(record(policy(period=30)), "delivery", policy(period=60)) == NOW + days(30)

    def test_a_later_start_does_not_act(self) -> None:
        stored = used(record(policy(start="created")), "delivery", NOW + days(20))
        assert ends_at(stored, "delivery", policy(start="last_used")) == NOW + days(30)

    def test_an_earlier_start_acts_at_once(self) -> None:
        stored = used(record(policy(start="last_used")), "delivery", NOW + days(20))
        assert ends_at(stored, "delivery", policy(start="created")) == NOW + days(30)

    def test_a_purpose_gone_from_the_policy_keeps_its_stored_end(self) -> None:
        rules = parse(
            {"purposes": {"other": {"lawful_basis": "contract", "retention": {"days": 1, "from": "created"}}}}
        )
        assert ends_at(record(policy()), "delivery", rules) == NOW + days(30)

    def test_a_purpose_that_has_come_to_rest_on_consent_ends_without_one(self) -> None:
        assert not is_live(record(policy()), "delivery", policy(basis="consent"), NOW)

    def test_a_jurisdiction_s_days_added_to_the_policy_act_at_once(self) -> None:
        assert ends_at(record(policy()), "delivery", policy(jurisdictions={"GDPR": 5})) == NOW + days(5)

    def test_a_further_jurisdiction_of_the_record_tightens(self) -> None:
        rules = policy(jurisdictions={"CCPA": 5})
        both = record(rules, jurisdictions=(Jurisdiction.GDPR, Jurisdiction.CCPA))
        assert ends_at(both, "delivery", rules) == NOW + days(5)


class TestGrant:
    """A purpose given for the first time, or anew."""

    def test_a_purpose_on_consent_needs_one(self) -> None:
        with pytest.raises(ConsentRequired, match="brings none"):
            grant(policy(basis="consent").purpose("delivery"), None, GDPR, NOW)

    def test_a_consent_of_exactly_the_retention_s_age_is_too_old(self) -> None:
        with pytest.raises(ConsentRequired, match="older than"):
            grant(policy(basis="consent").purpose("delivery"), consent(NOW - days(30)), GDPR, NOW)

    def test_a_consent_one_second_younger_is_taken(self) -> None:
        given = consent(NOW - days(30) + SECOND)
        assert grant(policy(basis="consent").purpose("delivery"), given, GDPR, NOW).consent == given

    def test_a_jurisdiction_s_shorter_retention_bounds_the_consent_s_age(self) -> None:
        purpose = policy(basis="consent", jurisdictions={"GDPR": 5}).purpose("delivery")
        with pytest.raises(ConsentRequired, match="older than"):
            grant(purpose, consent(NOW - days(5)), GDPR, NOW)

    def test_a_grant_carries_the_strictest_rule_of_its_jurisdictions(self) -> None:
        purpose = policy(jurisdictions={"CCPA": 5}).purpose("delivery")
        granted = grant(purpose, None, (Jurisdiction.GDPR, Jurisdiction.CCPA), NOW)
        assert granted == Grant(NOW, RetentionRule(5, RetentionStart.CREATED))


class TestUse:
    """`last_used`, at most once a UTC day."""

    def test_a_use_on_the_grant_s_own_day_is_stored(self) -> None:
        assert used(record(policy()), "delivery", NOW).last_used == {"delivery": NOW}

    def test_a_second_use_on_a_day_changes_nothing(self) -> None:
        once = used(record(policy()), "delivery", NOW)
        assert used(once, "delivery", NOW + days(1) - SECOND) is once

    def test_the_first_use_of_the_next_utc_day_is_stored(self) -> None:
        once = used(record(policy()), "delivery", NOW + days(1) - SECOND)
        assert used(once, "delivery", NOW + days(1)).last_used == {"delivery": NOW + days(1)}

    def test_a_clock_set_back_does_not_set_the_use_back(self) -> None:
        once = used(record(policy()), "delivery", NOW)
        assert used(once, "delivery", NOW - days(3)) is once

    def test_purposes_are_used_each_for_itself(self) -> None:
        rules = policy()
        security = {"security": grant(rules.purpose("security"), None, GDPR, NOW)}
        both = replace(record(rules), grants={**record(rules).grants, **security})
        once = used(both, "delivery", NOW)
        assert used(once, "security", NOW + SECOND).last_used == {"delivery": NOW, "security": NOW + SECOND}

    def test_what_is_read_for_another_purpose_than_was_granted_is_no_use(self) -> None:
        once = record(policy())
        assert used(once, "legal_hold", NOW) is once


class TestProtectedAgain:
    """What becomes of the purposes that the record has."""

    def test_a_live_purpose_keeps_its_start(self) -> None:
        rules = policy()
        assert again(record(rules), rules, NOW + days(29)).grants["delivery"].granted_at == NOW

    def test_nothing_new_leaves_the_record_as_it_is(self) -> None:
        rules = policy()
        assert again(record(rules), rules, NOW + days(29)) == record(rules)

    def test_an_ended_purpose_starts_anew(self) -> None:
        rules = policy()
        assert again(record(rules), rules, NOW + days(30)).grants["delivery"].granted_at == NOW + days(30)

    def test_an_ended_purpose_forgets_its_last_use(self) -> None:
        rules = policy(start="last_used")
        before = used(record(rules), "delivery", NOW)
        assert again(before, rules, NOW + days(31)).last_used == {}

    def test_a_further_purpose_is_added(self) -> None:
        rules = policy()
        after = again(record(rules), rules, NOW + days(1), purpose="security")
        assert {name: each.granted_at for name, each in after.grants.items()} == {
            "delivery": NOW,
            "security": NOW + days(1),
        }

    def test_a_newer_consent_moves_the_end(self) -> None:
        rules = policy(basis="consent", start="consent")
        after = again(record(rules, given=consent(NOW)), rules, NOW + days(2), given=consent(NOW + days(1)))
        assert ends_at(after, "delivery", rules) == NOW + days(31)

    def test_an_older_consent_changes_nothing(self) -> None:
        rules = policy(basis="consent", start="consent")
        before = record(rules, given=consent(NOW))
        assert again(before, rules, NOW + days(2), given=consent(NOW - SECOND)) == before

    def test_the_same_consent_changes_nothing(self) -> None:
        rules = policy(basis="consent", start="consent")
        before = record(rules, given=consent(NOW))
        assert again(before, rules, NOW + days(2), given=consent(NOW)) == before

    def test_a_live_purpose_on_consent_needs_no_further_one(self) -> None:
        rules = policy(basis="consent", start="consent")
        before = record(rules, given=consent(NOW))
        assert again(before, rules, NOW + days(29)) == before

    def test_an_ended_purpose_on_consent_needs_a_new_one(self) -> None:
        rules = policy(basis="consent", start="consent")
        with pytest.raises(ConsentRequired):
            again(record(rules, given=consent(NOW)), rules, NOW + days(30))

    def test_a_newer_consent_keeps_the_last_use_of_a_live_purpose(self) -> None:
        rules = policy(basis="consent", start="last_used")
        before = used(record(rules, given=consent(NOW)), "delivery", NOW + days(5))
        after = again(before, rules, NOW + days(6), given=consent(NOW + days(4)))
        assert after.last_used == {"delivery": NOW + days(5)}

    def test_a_further_jurisdiction_tightens_the_purposes_that_are_there(self) -> None:
        rules = policy(jurisdictions={"CCPA": 5})
        after = again(record(rules), rules, NOW, purpose="security", jurisdiction=Jurisdiction.CCPA)
        assert ends_at(after, "delivery", rules) == NOW + days(5)

    def test_a_laxer_jurisdiction_does_not_loosen(self) -> None:
        rules = policy(jurisdictions={"OTHER": 300})
        after = again(record(rules), rules, NOW, jurisdiction=Jurisdiction.OTHER)
        assert ends_at(after, "delivery", rules) == NOW + days(30)

    def test_the_declared_jurisdictions_are_kept_in_order_and_once(self) -> None:
        rules = policy()
        after = again(record(rules), rules, NOW, jurisdiction=Jurisdiction.CCPA)
        after = again(after, rules, NOW, jurisdiction=Jurisdiction.GDPR)
        assert after.jurisdictions == (Jurisdiction.GDPR, Jurisdiction.CCPA)

    def test_a_jurisdiction_that_ends_a_purpose_now_lets_it_start_anew(self) -> None:
        rules = policy(jurisdictions={"CCPA": 5})
        after = again(record(rules), rules, NOW + days(10), jurisdiction=Jurisdiction.CCPA)
        assert ends_at(after, "delivery", rules) == NOW + days(15)

    def test_a_lengthened_policy_does_not_act_by_protecting_again(self) -> None:
        longer = policy(period=60)
        assert ends_at(again(record(policy()), longer, NOW + days(1)), "delivery", longer) == NOW + days(30)

    def test_another_purpose_s_grant_does_not_move_an_end_whose_rule_the_policy_has_changed(self) -> None:
        stored = used(record(policy(start="created", period=90)), "delivery", NOW + days(80))
        current = policy(start="last_used", period=30)
        assert ends_at(stored, "delivery", current) == NOW + days(90)
        after = again(stored, current, NOW + days(85), purpose="security")
        assert ends_at(after, "delivery", current) == NOW + days(90)

    def test_a_consent_stays_with_a_purpose_that_another_grant_leaves_alone(self) -> None:
        rules = policy(basis="consent", start="consent")
        before = record(rules, given=consent(NOW))
        assert again(before, rules, NOW, purpose="security").grants["delivery"] == before.grants["delivery"]


class TestDueBucket:
    """Where the purge will look."""

    def test_it_names_the_day_of_the_first_end(self) -> None:
        rules = policy()
        both = again(record(rules), rules, NOW, purpose="security")
        assert due_bucket(both, rules).startswith("2026-01-31#")

    def test_it_has_a_shard_of_two_digits(self) -> None:
        rules = policy()
        shards = {due_bucket(replace(record(rules), token=new_token()), rules)[10:] for _ in range(1000)}
        assert shards == {f"#{shard:02d}" for shard in range(DUE_SHARDS)}

    def test_it_never_names_a_later_day_after_a_use(self) -> None:
        rules = policy(start="last_used")
        before = record(rules)
        assert due_bucket(before, rules) <= due_bucket(used(before, "delivery", NOW + days(3)), rules)
