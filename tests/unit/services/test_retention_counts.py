"""Counting what retention does."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from phone_vault.domain.inventory import Gone, Holding, Kind
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.policy_file import parse
from phone_vault.domain.standing import (
    NOTHING_SAID,
    Ended,
    Ending,
    Erasure,
    Ground,
    Hold,
    Level,
    Restriction,
    Standing,
)
from phone_vault.domain.stored_number import Grant
from phone_vault.services.retention_counts import RetentionCounts, Use
from phone_vault.services.status import VaultKeys, take_stock
from tests.unit.samples import POLICY

START = datetime(2026, 1, 1, tzinfo=UTC)
NUMBER = Kind.STORED_NUMBER
HELD = NOTHING_SAID.held(Hold("case", Level.TOKEN))
RESTRICTED = NOTHING_SAID.restricted(Restriction(Ground.ACCURACY, Level.TOKEN))
ERASURE = Erasure("erasure", START)


def holding(
    days: int = 30,
    *,
    kind: Kind = NUMBER,
    standing: Standing = NOTHING_SAID,
    last_used: Mapping[str, datetime] | None = None,
) -> Holding:
    rule = RetentionRule(days, RetentionStart.CREATED)
    grants = {name: Grant(START, rule) for name in ("anything", "something")}
    return Holding("acme", kind, 1, (Jurisdiction.GDPR,), grants, last_used or {}, standing)


def counted(*holdings: Holding | Gone, after: int = 0, unused_days: int = 180) -> RetentionCounts:
    now = START + timedelta(days=after)
    status = take_stock(holdings, [], parse(POLICY), VaultKeys("kek", "storage"), now, unused_days)
    return status.tenants["acme"].retention


# Due.


def test_a_record_is_due_on_the_day_on_which_its_last_purpose_ends() -> None:
    assert counted(holding()).due[NUMBER].by_day == {date(2026, 1, 31): 1}


def test_what_has_ended_is_due_now() -> None:
    curve = counted(holding(), after=30).due[NUMBER]
    assert (curve.now, curve.by_day) == (1, {})


def test_what_was_withdrawn_has_ended() -> None:
    ended = Ended(START, Ending.WITHDRAWN)
    standing = NOTHING_SAID.ending("anything", ended).ending("something", ended)
    assert counted(holding(standing=standing), after=1).due[NUMBER].now == 1


def test_what_falls_due_after_more_than_a_year_is_counted_together() -> None:
    curve = counted(holding(days=1000), holding(days=2000)).due[NUMBER]
    assert (curve.by_day, curve.later) == ({}, 2)


def test_message_keys_have_a_curve_of_their_own() -> None:
    due = counted(holding(kind=Kind.MESSAGE_KEY), after=30).due
    assert (due[NUMBER].now, due[Kind.MESSAGE_KEY].now) == (0, 1)


@pytest.mark.parametrize("standing", [HELD, RESTRICTED, HELD.erasing(ERASURE)])
def test_what_is_held_or_restricted_is_not_due(standing: Standing) -> None:
    assert counted(holding(standing=standing), after=30).due[NUMBER].now == 0


def test_an_erasure_that_waits_for_nothing_is_due_restricted_or_not() -> None:
    assert counted(holding(standing=RESTRICTED.erasing(ERASURE)), after=1).due[NUMBER].now == 1


def test_holds_restrictions_erasures_and_tombstones_are_counted() -> None:
    counts = counted(
        holding(standing=HELD.erasing(ERASURE)),
        holding(standing=HELD),
        holding(standing=RESTRICTED),
        Gone("acme", NUMBER),
    )
    found = [each[NUMBER] for each in (counts.held, counts.restricted, counts.erasing, counts.tombstones)]
    assert found == [2, 1, 1, 1]


# Use.


@pytest.mark.parametrize(("after", "unused"), [(9, 0), (10, 1)])
def test_a_number_that_nobody_has_used_is_unused_after_so_many_days(after: int, unused: int) -> None:
    assert counted(holding(), after=after, unused_days=10).use == Use(live=1, unused=unused)


def test_a_use_counts_for_its_purpose_and_for_the_number() -> None:
    counts = counted(
        holding(last_used={"something": START + timedelta(days=5)}),
        after=10,
        unused_days=10,
    )
    assert (counts.use, counts.use_by_purpose) == (Use(1, 0), {"anything": Use(1, 1), "something": Use(1, 0)})


@pytest.mark.parametrize("standing", [HELD, RESTRICTED])
def test_what_must_be_kept_is_not_told_of_as_unused(standing: Standing) -> None:
    assert counted(holding(standing=standing), after=20, unused_days=10).use == Use()


# Together.


def test_the_counts_of_tenants_add_up() -> None:
    total = RetentionCounts()
    for _ in range(2):
        total.add_all(counted(holding(), holding(standing=HELD), Gone("acme", NUMBER)))
    assert (total.due[NUMBER].by_day, total.held[NUMBER], total.tombstones[NUMBER]) == ({date(2026, 1, 31): 2}, 2, 2)
    assert (total.use, total.use_by_purpose["anything"]) == (Use(2, 0), Use(2, 0))
