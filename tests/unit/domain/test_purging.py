"""What a purge decides of one record and of one tenant, and plans as text."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart, VaultPolicy
from phone_vault.domain.policy_file import parse
from phone_vault.domain.ports import RecordId
from phone_vault.domain.purge_plan import (
    Conditions,
    Listed,
    Place,
    Plan,
    PlanPage,
    PlanState,
    page_of,
    page_text,
    plan_of,
    plan_text,
)
from phone_vault.domain.purging import (
    Fate,
    because_of,
    clear_until,
    fate_of,
    fate_of_found,
    is_unused,
    next_bucket,
    skipped_of,
    trips,
    without_ended,
)
from phone_vault.domain.rights_ports import Because
from phone_vault.domain.standing import Ended, Ending, Erasure, Ground, Hold, Level, Restriction, Standing
from phone_vault.domain.stored_number import Grant, StoredNumber
from phone_vault.domain.tombstone import Tombstone
from tests.unit.samples import POLICY

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HELD = Standing(holds=frozenset({Hold("case", Level.TOKEN)}))
RESTRICTED = Standing(restrictions=frozenset({Restriction(Ground.ACCURACY, Level.TOKEN)}))
BOTH = replace(HELD, restrictions=RESTRICTED.restrictions)
ERASURE = Erasure("e", NOW)
SHORT, LONG = RetentionRule(10, RetentionStart.CREATED), RetentionRule(90, RetentionStart.LAST_USED)
BOTH_PURPOSES = {"delivery": Grant(NOW, SHORT), "security": Grant(NOW, LONG)}


def record(**changes: Any) -> StoredNumber:
    content: dict[str, Any] = {
        "tenant_id": "acme",
        "token": "tok_" + "0" * 25,
        "subject_id": "s",
        "subject_ref": "r" * 43,
        "created_at": NOW,
        "revision": 1,
        "wrapped_key": b"",
        "branch_key_version": 1,
        "jurisdictions": (Jurisdiction.GDPR,),
        "grants": {"delivery": Grant(NOW, SHORT)},
        "last_used": {},
        "index_positions": {},
    }
    return StoredNumber(**{**content, **changes})


@pytest.fixture
def policy() -> VaultPolicy:
    return parse(POLICY)


def after(days: float) -> datetime:
    return NOW + timedelta(days=days)


# Fates.


@pytest.mark.parametrize(
    ("standing", "fate"),
    [(Standing(), Fate.DUE), (HELD, Fate.HELD), (RESTRICTED, Fate.RESTRICTED), (BOTH, Fate.HELD)],
)
def test_a_record_of_which_all_has_ended(policy: VaultPolicy, standing: Standing, fate: Fate) -> None:
    assert fate_of(record(standing=standing), policy, after(10)) is fate
    assert fate_of(record(standing=standing), policy, after(10) - SECOND) is Fate.LIVES


@pytest.mark.parametrize(
    ("standing", "fate"), [(Standing(), Fate.LEFTOVER), (HELD, Fate.LIVES), (RESTRICTED, Fate.LIVES)]
)
def test_a_record_of_which_something_has_ended(policy: VaultPolicy, standing: Standing, fate: Fate) -> None:
    assert fate_of(record(grants=BOTH_PURPOSES, standing=standing), policy, after(10)) is fate


@pytest.mark.parametrize(
    ("standing", "fate"),
    [(Standing(), Fate.DUE), (RESTRICTED, Fate.DUE), (HELD, Fate.HELD), (BOTH, Fate.HELD)],
)
def test_a_record_whose_erasure_waits(policy: VaultPolicy, standing: Standing, fate: Fate) -> None:
    erasing = record(grants=BOTH_PURPOSES, standing=replace(standing, erasure=ERASURE))
    assert fate_of(erasing, policy, NOW) is fate
    assert because_of(erasing) is Because.ERASURE


@pytest.mark.parametrize("why", list(Ending))
def test_a_purpose_that_ended_before_its_time_has_ended(policy: VaultPolicy, why: Ending) -> None:
    standing = Standing(ended={"delivery": Ended(NOW, why)})
    assert fate_of(record(standing=standing), policy, NOW) is Fate.DUE
    assert because_of(record(standing=standing)) is Because.PURGE


def test_what_is_in_a_dead_records_place(policy: VaultPolicy) -> None:
    tombstone = Tombstone("acme", "tok_0", "r", NOW, 2)
    assert fate_of_found(None, policy, NOW) is Fate.GONE
    assert fate_of_found(tombstone, policy, NOW) is Fate.DEAD
    assert fate_of_found(replace(tombstone, is_swept=True), policy, NOW) is Fate.GONE
    assert fate_of_found(record(), policy, NOW) is Fate.LIVES


def test_dropping_what_has_ended_forgets_its_use_and_not_what_was_said_of_it(policy: VaultPolicy) -> None:
    standing = Standing(ended={"delivery": Ended(NOW, Ending.OBJECTED)})
    before = record(grants=BOTH_PURPOSES, standing=standing, last_used={"delivery": NOW, "security": NOW}, revision=7)
    left = without_ended(before, policy, after(10))
    assert left == replace(before, grants={"security": BOTH_PURPOSES["security"]}, last_used={"security": NOW})


# Days.


def test_a_kept_record_stands_where_its_first_live_purpose_ends(policy: VaultPolicy) -> None:
    assert next_bucket(record(grants=BOTH_PURPOSES), policy, NOW)[:10] == "2026-01-11"
    assert next_bucket(record(grants=BOTH_PURPOSES, standing=HELD), policy, after(10))[:10] == "2026-04-01"
    assert next_bucket(record(standing=HELD), policy, after(20))[:10] == "2026-01-21"


@pytest.mark.parametrize(
    ("planned_at", "covers_until", "day"),
    [
        (datetime(2026, 3, 1, 1, 0, tzinfo=UTC), None, date(2026, 3, 1)),
        (datetime(2026, 3, 1, 0, 59, 59, tzinfo=UTC), None, date(2026, 2, 28)),
        (datetime(2028, 3, 1, 0, 30, tzinfo=UTC), None, date(2028, 2, 29)),
        (datetime(2026, 3, 29, 2, 30, tzinfo=UTC), None, date(2026, 3, 29)),
        (datetime(2026, 3, 1, 5, 0, tzinfo=UTC), date(2026, 2, 3), date(2026, 2, 3)),
    ],
    ids=["an hour after", "less than an hour after", "a leap day", "summer time begins", "not read to the end"],
)
def test_the_day_until_which_a_plan_has_seen_all(planned_at: datetime, covers_until: date | None, day: date) -> None:
    assert clear_until(replace(PLAN, conditions=Conditions(), made_at=planned_at, covers_until=covers_until)) == day


@pytest.mark.parametrize("conditions", [Conditions(tenant_id="acme"), Conditions(unused_days=7)])
def test_a_plan_that_left_things_out_tells_of_no_day(conditions: Conditions) -> None:
    assert clear_until(replace(PLAN, conditions=conditions)) is None


# Use.


@pytest.mark.parametrize(
    ("used", "since"),
    [({}, 0), ({"delivery": after(3)}, 3), ({"delivery": after(3), "security": after(5)}, 5), ({"gone": after(4)}, 4)],
    ids=["never", "for one purpose", "for another one", "for one that has been dropped"],
)
def test_a_record_is_unused_since_its_last_use_or_grant(used: dict[str, datetime], since: int) -> None:
    unused = record(grants=BOTH_PURPOSES, last_used=used)
    assert is_unused(unused, 30, after(since + 30))
    assert not is_unused(unused, 30, after(since + 30) - SECOND)


def test_a_later_grant_counts_as_well(policy: VaultPolicy) -> None:
    grants = {"security": Grant(NOW, LONG), "delivery": Grant(after(8), SHORT)}
    unused = record(grants=grants, last_used={"security": after(2)})
    assert fate_of(unused, policy, after(15), 7) is Fate.DUE
    assert fate_of(unused, policy, after(15) - SECOND, 7) is Fate.LIVES


# The circuit breaker.


@pytest.mark.parametrize(
    ("due", "stored", "share", "is_tripped"),
    [
        (2, 10, 0.2, False),
        (3, 10, 0.2, True),
        (29, 100, 0.29, False),  # 0.29 * 100 is 28.999999999999996 in binary
        (30, 100, 0.29, True),
        (7, 10, 0.7, False),
        (0, 0, 0.2, False),
        (1, 0, 0.2, True),
        (10, 10, 1.0, False),
        (1, 10, 0.0, True),
    ],
)
def test_exactly_the_share_is_allowed(due: int, stored: int, share: float, is_tripped: bool) -> None:  # noqa: FBT001
    assert trips(due, stored, share) is is_tripped


def test_tenants_are_skipped_by_themselves() -> None:
    due = {"b": 3, "a": 3, "c": 1, "new": 1}
    assert skipped_of(due, {"a": 10, "b": 100, "c": 10}, 0.2) == ("a", "new")


# Plans as text.


PLAN = Plan(
    plan_id="20260101T120000Z-00000000",
    made_at=NOW,
    policy="ab" * 32,
    conditions=Conditions("acme", 30),
    is_attended=True,
    state=PlanState.COUNTING,
    place=Place(date(2026, 1, 1), 7, {"due": "2026-01-01#07", "record_id": "acme#tok_0"}),
    pages=3,
    covers_until=date(2026, 2, 3),
    due={"acme": 4},
    message_keys={"acme": 1},
    by_purpose={"delivery": 4},
    held=2,
    restricted=1,
    unreadable=5,
    stored={"acme": 9},
    counting=("acme",),
    revision=2,
)


@pytest.mark.parametrize("plan", [PLAN, replace(PLAN, conditions=Conditions(), place=Place(), covers_until=None)])
def test_a_plan_is_read_as_it_was_written(plan: Plan) -> None:
    assert plan_of(plan_text(plan)) == plan


def test_a_page_is_read_as_it_was_written() -> None:
    listed = (
        Listed(RecordId("acme", "tok_0"), date(2026, 1, 1), is_due=True),
        Listed(RecordId("acme", "m#r#delivery"), None, is_due=False),
    )
    assert page_of(page_text(PlanPage(listed))) == PlanPage(listed)


def test_a_plan_tells_nobody_what_it_lists() -> None:
    assert "tok_" not in repr(PLAN.answer())
