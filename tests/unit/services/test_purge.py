"""PlanPurge and Purge on fakes: what goes, what stays, and what they tell of it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from phone_vault.domain.audit import Event
from phone_vault.domain.errors import (
    AuditUnavailable,
    CircuitBreakerOpen,
    Conflict,
    InvalidRequest,
    NotFound,
    StoreUnavailable,
    TamperedStore,
)
from phone_vault.domain.ports import RecordId
from phone_vault.domain.purge_ports import SealedText
from phone_vault.domain.receipts import names_token
from phone_vault.domain.rights_ports import Because
from phone_vault.services.tally import Measure
from tests.fakes.clock import ManualClock
from tests.unit.services.purge_world import OPERATOR, UNBROKEN, PurgeWorld, subject
from tests.unit.services.rights_world import NUMBERS, problem_of

SECURITY, DELIVERY, MARKETING = timedelta(days=90), timedelta(days=30), timedelta(days=365)
"""How long the policy's purposes last: from the last use, from the grant, from the consent."""
INSTANT = timedelta(seconds=1)
COUNTS = ("purged", "kept", "failed", "message_keys")


@pytest.fixture
def world() -> PurgeWorld:
    return PurgeWorld()


def several(world: PurgeWorld, count: int, purpose: str = "delivery") -> list[str]:
    """Tokens of as many subjects."""
    return [world.stored(NUMBERS[at % 3], (purpose,), subject(at)) for at in range(count)]


def off_board(world: PurgeWorld) -> None:
    with world.advance_purge().desk.trail.writing([Event("off-boarding", OPERATOR, tenant_id="default")]) as [entry]:
        world.key_ring_store.off_board("default", world.clock.now(), entry)


def counts(output: dict[str, Any]) -> dict[str, int]:
    """Those that are not nought."""
    return {name: output[name] for name in COUNTS if output[name]}


# What goes.


def test_a_number_whose_purposes_have_all_ended_is_destroyed_and_swept(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    subject_ref = world.record(token).subject_ref
    world.clock.advance(DELIVERY)
    assert counts(world.purge()) == {"purged": 1}
    assert world.is_swept(token, subject_ref)
    assert problem_of(world.call("Reveal", {"token": token, "purpose": "delivery"})) == "erased"


def test_a_number_is_not_destroyed_a_second_before_its_end(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    world.clock.advance(DELIVERY - INSTANT)
    assert counts(world.purge()) == {}
    assert world.lives(token)
    world.clock.advance(INSTANT)
    assert counts(world.purge()) == {"purged": 1}


def test_a_message_key_goes_as_well_and_is_counted_apart(world: PurgeWorld) -> None:
    message = world.encrypted("delivery")["message"]
    world.clock.advance(DELIVERY)
    assert world.plan()["message_keys"] == 1
    assert counts(world.purge()) == {"message_keys": 1}
    request = {"message": message, "subject_id": "cust-1", "purpose": "delivery"}
    assert problem_of(world.call("Decrypt", request)) == "erased"


def test_a_message_key_that_was_made_anew_is_a_members_still(world: PurgeWorld) -> None:
    world.encrypted("delivery")
    world.clock.advance(DELIVERY)
    world.purge()
    world.encrypted("delivery")
    assert [sorted(each) for each in world.tables.members.values()] == [["m#delivery"]]


def test_an_ended_purpose_is_dropped_while_another_one_lives(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery", "security"))
    world.clock.advance(DELIVERY)
    output = world.purge()
    assert counts(output) == {}
    assert set(world.record(token).grants) == {"security"}
    assert world.bucket(token) == "2026-04-01"
    assert any('"outcome":"purposes-dropped"' in entry.text for entry in world.log.entries)


def test_what_was_used_meanwhile_is_looked_at_again_when_it_ends(world: PurgeWorld) -> None:
    token = world.stored()
    world.clock.advance(timedelta(days=60))
    world.call("Reveal", {"token": token, "purpose": "security"})
    world.clock.advance(timedelta(days=30))
    assert counts(world.purge()) == {}
    assert world.bucket(token) == "2026-05-31"
    world.clock.advance(timedelta(days=60))
    assert counts(world.purge()) == {"purged": 1}


def test_a_purpose_that_the_policy_names_no_more_ends_by_the_rule_stored_with_it(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    world.under(purposes={"security": UNBROKEN["purposes"]["security"]})
    world.clock.advance(DELIVERY - INSTANT)
    assert counts(world.purge()) == {}
    world.clock.advance(INSTANT)
    output = world.purge()
    assert counts(output) == {"purged": 1}
    assert output["receipt"]["by_purpose"] == {"delivery": 1}
    assert not world.lives(token)


def test_a_withdrawn_consent_is_due_at_once(world: PurgeWorld) -> None:
    token = world.stored(purposes=("marketing",), marketing={"consent": world.consent()})
    world.clock.advance(timedelta(days=3))
    world.call("Consent", {"token": token, "purpose": "marketing", "action": "withdraw"})
    assert counts(world.purge()) == {"purged": 1}


def test_every_version_of_the_index_is_swept(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    record = world.record(token)
    positions = {**record.index_positions, 2: record.index_positions[1]}
    world.tables.write(record, index_positions=positions)
    for place in world.tables.places(world.record(token), (1, 2)):
        world.tables.index[place] = token
    world.clock.advance(DELIVERY)
    world.purge()
    assert not world.tables.index


def test_records_of_an_off_boarded_tenant_are_swept_too(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    off_board(world)
    world.clock.advance(DELIVERY)
    assert counts(world.purge()) == {"purged": 1}
    assert not world.lives(token)


# What stays.


def test_a_held_number_is_kept_until_its_hold_goes_on_the_same_day_too(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    world.hold(token)
    world.clock.advance(DELIVERY)
    for _ in range(2):
        assert (world.plan()["held"], counts(world.purge())) == (1, {"kept": 1})
    world.clock.advance(timedelta(days=5))
    assert counts(world.purge()) == {"kept": 1}
    world.release(token)
    assert counts(world.purge()) == {"purged": 1}


def test_a_restricted_number_is_kept_until_that_is_lifted(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    world.restrict(token)
    world.clock.advance(DELIVERY + timedelta(days=3))
    assert (world.plan()["restricted"], counts(world.purge())) == (1, {"kept": 1})
    world.lift(token)
    assert counts(world.purge()) == {"purged": 1}


def test_what_is_both_held_and_restricted_counts_as_held(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery",))
    world.hold(token)
    world.restrict(token)
    world.clock.advance(DELIVERY)
    plan = world.plan()
    assert (plan["held"], plan["restricted"]) == (1, 0)


def test_of_what_is_held_no_purpose_is_dropped(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery", "security"))
    world.hold(token)
    world.clock.advance(DELIVERY)
    assert counts(world.purge()) == {}
    assert set(world.record(token).grants) == {"delivery", "security"}
    world.release(token)
    world.purge()
    assert set(world.record(token).grants) == {"security"}


def test_an_erasure_that_waits_for_no_hold_any_more_is_finished_restricted_or_not(world: PurgeWorld) -> None:
    token = world.stored()
    world.restrict(token)
    world.hold(token)
    world.call("Erase", {"token": token, "reason": "asked"})
    assert (world.plan()["held"], counts(world.purge())) == (1, {"kept": 1})
    record = world.record(token)
    world.tables.write(record, standing=record.standing.released(*record.standing.holds))
    assert counts(world.purge()) == {"purged": 1}
    assert world.retained.shredded == [(RecordId("default", token), Because.ERASURE)]


# Plans.


def test_a_plan_tells_what_it_lists_by_purpose_and_tenant_and_changes_nothing(world: PurgeWorld) -> None:
    several(world, 2)
    world.stored(NUMBERS[0], ("delivery", "security"), "both")
    world.call("Protect", {"tenant_id": "acme", "subject_id": "a", "number": NUMBERS[1], "purposes": {"delivery": {}}})
    held = world.stored(NUMBERS[2], ("delivery",), "held")
    world.hold(held)
    world.clock.advance(SECURITY)
    before = (dict(world.tables.records), dict(world.retained.due))
    plan = world.plan()
    assert (plan["due"], plan["held"], plan["restricted"], plan["message_keys"]) == (4, 1, 0, 0)
    assert plan["by_purpose"] == {"delivery": 4, "security": 1}
    assert plan["by_tenant"] == {"acme": 1, "default": 3}
    assert plan["state"] == "planned"
    world.due_index.page(date(2000, 1, 1), 0, None)
    assert dict(world.tables.records) == before[0]
    assert world.runs.first_day is None


def test_a_plan_of_one_tenant_lists_no_other(world: PurgeWorld) -> None:
    several(world, 2)
    acme = {"tenant_id": "acme", "subject_id": "a", "number": NUMBERS[1], "purposes": {"delivery": {}}}
    world.call("Protect", acme)
    world.clock.advance(DELIVERY)
    plan = world.plan(tenant_id="acme")
    assert plan["by_tenant"] == {"acme": 1}
    output = world.purge(plan_id=plan["plan_id"])
    assert counts(output) == {"purged": 1}
    assert output["receipt"]["tenant_id"] == "acme"
    assert len(world.tables.records) == 2


def test_a_plan_is_run_as_it_was_made_whatever_else_is_due(world: PurgeWorld) -> None:
    [planned] = several(world, 1)
    world.clock.advance(timedelta(days=1))
    later = world.stored(NUMBERS[1], ("delivery",), "later")
    world.clock.advance(DELIVERY - timedelta(days=1))
    plan_id = world.planned()
    world.clock.advance(timedelta(days=1))
    assert counts(world.purge(plan_id=plan_id)) == {"purged": 1}
    assert (world.lives(planned), world.lives(later)) == (False, True)


def test_a_plan_destroys_nothing_of_which_the_hold_went_since(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.hold(token)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    world.release(token)
    assert counts(world.purge(plan_id=plan_id)) == {"kept": 1}
    assert world.lives(token)


def test_a_plan_run_twice_purges_nothing_twice(world: PurgeWorld) -> None:
    tokens = several(world, 3)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    first, second = world.purge(plan_id=plan_id), world.purge(plan_id=plan_id)
    assert (counts(first), counts(second)) == ({"purged": 3}, {})
    assert first["receipt"]["id"] != second["receipt"]["id"]
    assert [world.receipts_naming(token) for token in tokens] == [1, 1, 1]


def test_a_plan_run_again_destroys_what_a_hold_had_kept(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    world.hold(token)
    assert counts(world.purge(plan_id=plan_id)) == {"kept": 1}
    world.release(token)
    assert counts(world.purge(plan_id=plan_id)) == {"purged": 1}


def test_a_policy_that_lets_numbers_live_longer_than_at_the_plan_keeps_them(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    shorter = {**UNBROKEN["purposes"]["delivery"], "retention": {"days": 10, "from": "created"}}
    world.under(purposes={**UNBROKEN["purposes"], "delivery": shorter})
    world.clock.advance(timedelta(days=10))
    world.retained.due[RecordId("default", token)] = "2026-01-11#00"
    plan = world.plan()
    assert plan["due"] == 1
    world.under(purposes=UNBROKEN["purposes"])
    assert counts(world.purge(plan_id=plan["plan_id"])) == {"kept": 1}
    assert world.bucket(token) == "2026-01-31"


def test_a_plan_of_a_longer_policy_is_run_for_what_it_lists(world: PurgeWorld) -> None:
    due, young = world.stored(NUMBERS[0], ("delivery",)), world.stored(NUMBERS[1])
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    shorter = {**UNBROKEN["purposes"]["security"], "retention": {"days": 1, "from": "created"}}
    world.under(purposes={**UNBROKEN["purposes"], "security": shorter})
    assert counts(world.purge(plan_id=plan_id)) == {"purged": 1}
    assert (world.lives(due), world.lives(young)) == (False, True)


def test_what_was_granted_anew_since_the_plan_is_kept(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    assert several(world, 1) == [token]
    assert counts(world.purge(plan_id=plan_id)) == {"kept": 1}


@pytest.mark.parametrize("plan_id", ["nope", "20260101T000000Z-00000000", "low-water", "x#0"])
def test_a_plan_that_there_never_was_is_not_found(world: PurgeWorld, plan_id: str) -> None:
    with pytest.raises(NotFound):
        world.purge(plan_id=plan_id)


def test_an_expired_plan_is_not_found(world: PurgeWorld) -> None:
    world.stored()
    plan_id = world.planned()
    world.clock.advance(timedelta(days=30))
    with pytest.raises(NotFound):
        world.purge(plan_id=plan_id)


def test_a_page_of_a_plan_is_no_plan(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    assert f"plan#{plan_id}#0" in world.plans.rows
    with pytest.raises(NotFound):
        world.purge(plan_id=f"{plan_id}#0")


@pytest.mark.parametrize("what", ["", "#0"], ids=["the plan", "its page"])
def test_a_plan_that_somebody_has_tampered_with_is_refused(world: PurgeWorld, what: str) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    row, revision = world.plans.rows[f"plan#{plan_id}{what}"]
    forged = row.text.replace("default", "defamed")
    world.plans.rows[f"plan#{plan_id}{what}"] = (SealedText(forged, row.seal, row.expires_at), revision)
    with pytest.raises(TamperedStore):
        world.purge(plan_id=plan_id)
    assert len(world.tables.records) == 1


def test_a_page_of_another_plan_is_refused(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    first, second = world.planned(), world.planned()
    world.plans.rows[f"plan#{second}#0"] = world.plans.rows[f"plan#{first}#0"]
    with pytest.raises(TamperedStore):
        world.purge(plan_id=second)


def test_a_page_that_is_missing_is_refused(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    del world.plans.rows[f"plan#{plan_id}#0"]
    with pytest.raises(TamperedStore):
        world.purge(plan_id=plan_id)


def test_a_plan_of_a_tenant_of_which_nothing_was_ever_stored_is_of_nothing(world: PurgeWorld) -> None:
    world.stored(purposes=("delivery",))
    world.clock.advance(DELIVERY)
    plan = world.plan(tenant_id="nobody")
    assert (plan["due"], plan["held"], plan["restricted"], plan["message_keys"]) == (0, 0, 0, 0)
    assert (plan["by_purpose"], plan["by_tenant"]) == ({}, {})
    assert not world.key_ring_store.keys_of("nobody").keys


def test_a_plan_of_an_off_boarded_tenant_is_not_found(world: PurgeWorld) -> None:
    world.stored(purposes=("delivery",))
    off_board(world)
    assert problem_of(world.plan(tenant_id="default")) == "not-found"


@pytest.mark.parametrize(
    "request_",
    [{"unused_days": 0}, {"unused_days": "3"}, {"tenant_id": ""}, {"more": 1}, {"plan_id": "x", "unused_days": 3}],
)
def test_a_request_that_is_not_well_formed_is_refused(world: PurgeWorld, request_: dict[str, Any]) -> None:
    assert problem_of(world.plan(**request_)) == "invalid-request"


@pytest.mark.parametrize("given", [{"plan_id": 7}, {"tenant_id": "acme"}, {"force": True}])
def test_an_input_that_is_not_well_formed_is_refused_before_anything_is_done(
    world: PurgeWorld, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        world.purge(**given)
    assert not world.plans.rows


# In several calls.


def test_a_plan_that_takes_long_is_made_in_several_calls(world: PurgeWorld) -> None:
    tokens = several(world, 5)
    world.tables.page_rows = 1
    world.clock.advance(DELIVERY)
    for _ in range(40):
        world.disturbances.before("due.page", *[lambda: world.clock.advance(timedelta(seconds=1))] * 40)
    first = world.plan()
    assert first["state"] == "planning"
    plan = first
    for _ in range(100):
        if plan["state"] == "planned":
            break
        plan = world.plan(plan_id=first["plan_id"])
    assert (plan["state"], plan["due"], plan["plan_id"]) == ("planned", 5, first["plan_id"])
    world.disturbances.end()
    assert counts(world.purge(plan_id=plan["plan_id"])) == {"purged": 5}
    assert not any(world.lives(token) for token in tokens)


def test_a_purge_plans_in_several_calls_too(world: PurgeWorld) -> None:
    several(world, 5)
    world.clock.advance(DELIVERY)
    world.disturbances.before("due.page", *[lambda: world.clock.advance(timedelta(seconds=7))] * 300)
    assert counts(world.purge()) == {"purged": 5}


def test_a_plan_that_is_not_made_to_its_end_is_not_run(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    world.disturbances.before("due.page", lambda: world.clock.advance(timedelta(minutes=1)))
    plan_id = world.planned()
    with pytest.raises(Conflict):
        world.purge(plan_id=plan_id)


def test_the_plan_of_a_purge_is_nobodys_to_run(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    plan_id = world.advance("plan", purge={})["plan_id"]
    with pytest.raises(Conflict):
        world.purge(plan_id=plan_id)
    assert problem_of(world.plan(plan_id=plan_id)) == "conflict"


def test_a_call_that_was_given_up_and_still_runs_writes_no_page(world: PurgeWorld) -> None:
    several(world, 3)
    world.clock.advance(DELIVERY)
    world.disturbances.before("due.page", lambda: world.clock.advance(timedelta(minutes=1)))
    plan_id = world.planned()

    def overtake() -> None:
        assert world.plan(plan_id=plan_id)["state"] == "planned"

    world.disturbances.before("plans.write_page", overtake)
    assert problem_of(world.plan(plan_id=plan_id)) == "conflict"
    assert counts(world.purge(plan_id=plan_id)) == {"purged": 3}


# Between the plan and the run, and between the read and the write.


@pytest.mark.parametrize("forbid", [PurgeWorld.hold, PurgeWorld.restrict])
def test_what_is_forbidden_between_plan_and_run_is_kept(world: PurgeWorld, forbid: Any) -> None:
    kept, other = several(world, 2)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    forbid(world, kept)
    assert counts(world.purge(plan_id=plan_id)) == {"purged": 1, "kept": 1}
    assert (world.lives(kept), world.lives(other)) == (True, False)


@pytest.mark.parametrize("forbid", [PurgeWorld.hold, PurgeWorld.restrict])
def test_what_is_forbidden_between_the_purges_read_and_its_write_is_kept(world: PurgeWorld, forbid: Any) -> None:
    [kept] = several(world, 1)
    world.clock.advance(DELIVERY)
    world.disturbances.before("retained.shred", lambda: forbid(world, kept))
    assert counts(world.purge()) == {"kept": 1}
    assert world.lives(kept)
    assert world.receipts_naming(kept) == 0


def test_what_is_granted_anew_between_the_purges_read_and_its_write_is_kept(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.clock.advance(DELIVERY)
    world.disturbances.before("retained.shred", lambda: several(world, 1))
    assert counts(world.purge()) == {"kept": 1}
    assert problem_of(world.call("Reveal", {"token": token, "purpose": "delivery"})) is None


def test_what_is_erased_between_the_purges_read_and_its_write_is_in_one_receipt(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.clock.advance(DELIVERY)
    world.disturbances.before("retained.shred", lambda: world.call("Erase", {"token": token, "reason": "asked"}))
    assert counts(world.purge()) == {}
    assert world.receipts_naming(token) == 1


def test_a_purpose_used_between_the_purges_read_and_its_dropping_stays_used(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery", "security"))
    world.clock.advance(DELIVERY)
    world.disturbances.before("retained.change", lambda: world.call("Reveal", {"token": token, "purpose": "security"}))
    world.purge()
    assert set(world.record(token).grants) == {"security"}
    assert set(world.record(token).last_used) == {"security"}


# What fails.


def test_one_record_that_does_not_read_is_counted_and_stops_no_other(world: PurgeWorld) -> None:
    tokens = several(world, 4)
    world.spoil(tokens[1])
    world.clock.advance(DELIVERY)
    assert world.plan()["unreadable"] == 1
    assert counts(world.purge()) == {"purged": 3, "failed": 1}
    assert [world.lives(token) for token in tokens] == [False, True, False, False]


def test_a_record_that_does_not_read_does_not_hold_up_the_days_that_a_purge_reads(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.spoil(token)
    world.clock.advance(DELIVERY + timedelta(days=7, hours=12))
    world.purge()
    assert world.runs.first_day == world.clock.now().date()
    assert counts(world.purge()) == {"failed": 1}
    world.tables.unreadable.clear()
    assert counts(world.purge()) == {"purged": 1}


def test_a_record_that_becomes_unreadable_after_the_plan_fails(world: PurgeWorld) -> None:
    tokens = several(world, 2)
    world.clock.advance(DELIVERY)
    plan_id = world.planned()
    world.spoil(tokens[0])
    assert counts(world.purge(plan_id=plan_id)) == {"purged": 1, "failed": 1}


def test_a_record_that_changes_too_often_fails_and_is_found_again(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.clock.advance(DELIVERY + timedelta(days=3))

    def touch() -> None:
        world.tables.write(world.record(token))

    world.disturbances.before("retained.shred", *[touch] * 5)
    assert counts(world.purge()) == {"failed": 1}
    assert world.runs.first_day == date(2026, 1, 31)
    assert counts(world.purge()) == {"purged": 1}


@pytest.mark.parametrize(
    ("call", "failure"), [("retained.clear", StoreUnavailable("no")), ("audit.append", StoreUnavailable("no"))]
)
def test_what_the_store_refuses_ends_the_call_and_is_done_by_the_next(
    world: PurgeWorld, call: str, failure: Exception
) -> None:
    tokens = several(world, 3)
    world.clock.advance(DELIVERY)
    run = world.begin()
    world.disturbances.fail(call, failure)
    with pytest.raises((StoreUnavailable, AuditUnavailable)):
        world.page(run["scope"], run["run_id"], 0)
    world.page(run["scope"], run["run_id"], 0)
    output = world.advance("finish", scope=run["scope"], run_id=run["run_id"])
    assert output["purged"] == 3
    assert [world.receipts_naming(token) for token in tokens] == [1, 1, 1]


def test_nothing_is_destroyed_that_the_trail_does_not_tell_of(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.clock.advance(DELIVERY)
    run = world.begin()
    world.disturbances.fail_always("audit.append", StoreUnavailable("no"))
    with pytest.raises(AuditUnavailable):
        world.page(run["scope"], run["run_id"], 0)
    assert world.lives(token)


def test_the_trail_names_what_a_purge_is_about_to_destroy_in_one_entry_a_page(world: PurgeWorld) -> None:
    tokens = several(world, 3)
    world.clock.advance(DELIVERY)
    world.purge()
    [entry] = [entry.text for entry in world.log.entries if '"outcome":"purging"' in entry.text]
    assert all(token in entry for token in tokens)


def test_a_run_is_not_finished_before_its_pages_are_done(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    run = world.begin()
    with pytest.raises(Conflict):
        world.advance("finish", scope=run["scope"], run_id=run["run_id"])


def test_a_step_that_there_is_not_and_a_page_that_there_is_not_are_refused(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY)
    run = world.begin()
    with pytest.raises(InvalidRequest):
        world.advance("sweep")
    with pytest.raises(InvalidRequest):
        world.advance("")
    with pytest.raises(InvalidRequest):
        world.page(run["scope"], run["run_id"], 1)
    with pytest.raises(Conflict):
        world.page(run["scope"], "another", 0)


# Receipts.


def test_the_receipt_names_what_was_destroyed_and_when_it_is_final(world: PurgeWorld) -> None:
    tokens = [world.stored(NUMBERS[0], ("delivery", "security")), world.stored(NUMBERS[1], ("delivery",), "other")]
    survivor = world.stored(NUMBERS[2], ("marketing",), marketing={"consent": world.consent()})
    world.clock.advance(SECURITY)
    receipt = world.purge()["receipt"]
    assert receipt["kind"] == "purge"
    assert receipt["reason"] == "retention ended"
    assert receipt["policy"] == "ab" * 32
    assert receipt["by_purpose"] == {"delivery": 2, "security": 1}
    assert (receipt["at"], receipt["final_at"]) == ("2026-04-01T00:00:00Z", "2026-04-08T00:00:00Z")
    assert all(names_token(receipt, token) for token in tokens)
    assert not names_token(receipt, survivor)


def test_a_purge_with_nothing_due_has_a_receipt_too(world: PurgeWorld) -> None:
    world.stored()
    output = world.purge()
    assert counts(output) == {}
    assert output["receipt"]["tokens"]["count"] == 0


def test_finishing_twice_answers_the_same(world: PurgeWorld) -> None:
    several(world, 2)
    world.clock.advance(DELIVERY)
    run = world.begin()
    world.page(run["scope"], run["run_id"], 0)
    finish = {"scope": run["scope"], "run_id": run["run_id"]}
    first = world.advance("finish", **finish)
    world.clock.advance(timedelta(minutes=5))
    assert world.advance("finish", **finish) == first


# The circuit breaker.


def breaking(share: float) -> PurgeWorld:
    return PurgeWorld(policy={**UNBROKEN, "circuit_breaker": share})


@pytest.mark.parametrize("by_census", [True, False])
def test_exactly_the_share_goes_unattended(by_census: bool) -> None:  # noqa: FBT001
    world = breaking(0.2)
    several(world, 2)
    for at in range(8):
        world.stored(NUMBERS[0], ("security",), f"other-{at}")
    if by_census:
        world.counted_by_census(10)
    world.clock.advance(DELIVERY)
    assert counts(world.purge()) == {"purged": 2}


@pytest.mark.parametrize("by_census", [True, False])
def test_more_than_the_share_needs_a_persons_plan(by_census: bool) -> None:  # noqa: FBT001
    world = breaking(0.2)
    several(world, 3)
    for at in range(8):
        world.stored(NUMBERS[0], ("security",), f"other-{at}")
    if by_census:
        world.counted_by_census(11)
    world.clock.advance(DELIVERY)
    with pytest.raises(CircuitBreakerOpen):
        world.purge()
    assert world.tallies["AdvancePurge"].take()[0][Measure.CIRCUIT_BREAKER_TRIPS] == 1
    assert len(world.tables.records) == 11
    assert counts(world.purge(plan_id=world.planned())) == {"purged": 3}


def test_the_last_census_counts_whatever_was_stored_since() -> None:
    world = breaking(0.5)
    several(world, 2)
    world.counted_by_census(3)
    for at in range(8):
        world.stored(NUMBERS[0], ("security",), f"other-{at}")
    world.clock.advance(DELIVERY)
    with pytest.raises(CircuitBreakerOpen):
        world.purge()


def test_a_census_that_found_nothing_is_none() -> None:
    world = breaking(0.5)
    world.counted_by_census(0)
    several(world, 1)
    world.stored(NUMBERS[0], ("security",), "other")
    world.clock.advance(DELIVERY)
    assert counts(world.purge()) == {"purged": 1}


def test_a_tenant_is_skipped_by_itself_and_found_again() -> None:
    world = breaking(0.5)
    skipped = several(world, 2)
    for at, purpose in enumerate(("delivery", "security")):
        protect = {"tenant_id": "acme", "subject_id": f"a-{at}", "number": NUMBERS[0], "purposes": {purpose: {}}}
        world.call("Protect", protect)
    world.clock.advance(DELIVERY + timedelta(days=4))
    output = world.purge()
    assert counts(output) == {"purged": 1, "kept": 2}
    assert output["skipped_tenants"] == ["default"]
    assert world.runs.first_day == date(2026, 1, 31)
    assert all(world.lives(token) for token in skipped)
    assert counts(world.purge(plan_id=world.planned())) == {"purged": 2}


def test_message_keys_do_not_trip_the_circuit_breaker() -> None:
    world = breaking(0.1)
    world.encrypted("delivery")
    world.clock.advance(DELIVERY)
    assert counts(world.purge()) == {"message_keys": 1}


def test_nothing_due_does_not_trip_the_circuit_breaker() -> None:
    world = breaking(0.1)
    assert counts(world.purge()) == {}


def test_records_are_counted_in_several_calls() -> None:
    world = breaking(0.5)
    several(world, 2)
    for at in range(8):
        world.stored(NUMBERS[0], ("security",), f"other-{at}")
    world.tables.page_rows = 3
    world.clock.advance(DELIVERY)
    world.disturbances.before("counted.records", *[lambda: world.clock.advance(timedelta(seconds=31))] * 9)
    assert counts(world.purge()) == {"purged": 2}


# The low-water day.


def test_the_first_purge_looks_from_the_day_of_the_oldest_key_on(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY + timedelta(days=300))
    assert counts(world.purge()) == {"purged": 1}


def test_the_low_water_advances_over_empty_days(world: PurgeWorld) -> None:
    world.stored()
    for days in (0, 1, 5):
        world.clock.advance(timedelta(days=days, hours=3))
        world.purge()
        assert world.runs.first_day == world.clock.now().date()


def test_the_low_water_stays_a_day_behind_while_that_day_is_not_an_hour_old(world: PurgeWorld) -> None:
    world.stored()
    world.clock.advance(timedelta(days=5, minutes=30))
    world.purge()
    assert world.runs.first_day == date(2026, 1, 5)


def test_the_low_water_passes_what_is_kept_because_that_moves_along(world: PurgeWorld) -> None:
    [token] = several(world, 1)
    world.hold(token)
    world.clock.advance(DELIVERY + timedelta(days=10, hours=2))
    world.purge()
    assert world.runs.first_day == date(2026, 2, 10)
    assert world.bucket(token) == "2026-02-10"


def test_a_plan_of_one_tenant_or_of_what_is_unused_does_not_move_it(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY + timedelta(days=3))
    for conditions in ({"tenant_id": "default"}, {"unused_days": 3}):
        world.purge(plan_id=world.planned(**conditions))
        assert world.runs.first_day is None


def test_an_old_plan_moves_it_to_its_own_day_alone(world: PurgeWorld) -> None:
    several(world, 1)
    world.clock.advance(DELIVERY + timedelta(hours=5))
    plan_id = world.planned()
    world.clock.advance(timedelta(days=9))
    world.purge(plan_id=plan_id)
    assert world.runs.first_day == date(2026, 1, 31)


def test_the_low_water_never_goes_down(world: PurgeWorld) -> None:
    world.stored()
    world.clock.advance(timedelta(hours=5))
    plan_id = world.planned()
    world.clock.advance(timedelta(days=9))
    world.purge()
    world.purge(plan_id=plan_id)
    assert world.runs.first_day == date(2026, 1, 10)


# Days.


@pytest.mark.parametrize(
    ("stored_at", "ends_on"),
    [
        (datetime(2026, 1, 29, 12, tzinfo=UTC), date(2026, 2, 28)),
        (datetime(2028, 1, 30, 12, tzinfo=UTC), date(2028, 2, 29)),
        (datetime(2026, 1, 30, 12, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 2, 27, 12, tzinfo=UTC), date(2026, 3, 29)),
        (datetime(2026, 9, 25, 12, tzinfo=UTC), date(2026, 10, 25)),
        (datetime(2026, 12, 2, 12, tzinfo=UTC), date(2027, 1, 1)),
    ],
    ids=["28 February", "29 February", "1 March", "summer time begins", "summer time ends", "new year"],
)
def test_a_day_is_utc_and_24_hours_long_whatever_the_calendar_says(stored_at: datetime, ends_on: date) -> None:
    world = PurgeWorld(clock=ManualClock(stored_at))
    token = world.stored(purposes=("delivery",))
    assert world.bucket(token) == ends_on.isoformat()
    world.clock.advance(DELIVERY - INSTANT)
    assert counts(world.purge()) == {}
    world.clock.advance(INSTANT)
    assert world.clock.now().date() == ends_on
    assert counts(world.purge()) == {"purged": 1}


def test_a_number_whose_day_has_passed_at_midnight_is_found_an_hour_later(world: PurgeWorld) -> None:
    world.clock.advance(timedelta(hours=23, minutes=59))
    token = world.stored(purposes=("delivery",))
    world.clock.advance(DELIVERY - timedelta(minutes=1))
    assert counts(world.purge()) == {}
    world.clock.advance(timedelta(minutes=2))
    assert counts(world.purge()) == {"purged": 1}
    assert not world.lives(token)


# Numbers that nobody uses.


def test_numbers_that_nobody_has_revealed_for_so_many_days_go_by_a_plan(world: PurgeWorld) -> None:
    used, unused = world.stored(NUMBERS[0]), world.stored(NUMBERS[1], subject="other")
    world.clock.advance(timedelta(days=40))
    world.call("Reveal", {"token": used, "purpose": "security"})
    world.clock.advance(timedelta(days=20))
    plan = world.plan(unused_days=60)
    assert (plan["due"], plan["by_purpose"]) == (1, {"security": 1})
    output = world.purge(plan_id=plan["plan_id"])
    assert counts(output) == {"purged": 1}
    assert output["receipt"]["reason"] == "not used for 60 days"
    assert (world.lives(used), world.lives(unused)) == (True, False)


def test_what_was_used_since_the_plan_is_kept(world: PurgeWorld) -> None:
    token = world.stored()
    world.clock.advance(timedelta(days=60))
    plan_id = world.planned(unused_days=60)
    world.call("Reveal", {"token": token, "purpose": "security"})
    assert counts(world.purge(plan_id=plan_id)) == {"kept": 1}


def test_what_is_used_between_the_purges_read_and_its_write_is_kept(world: PurgeWorld) -> None:
    token = world.stored()
    world.clock.advance(timedelta(days=60))
    plan_id = world.planned(unused_days=60)
    world.disturbances.before("retained.shred", lambda: world.call("Reveal", {"token": token, "purpose": "security"}))
    assert counts(world.purge(plan_id=plan_id)) == {"kept": 1}


def test_a_number_never_used_counts_from_its_last_grant(world: PurgeWorld) -> None:
    world.stored(purposes=("security",))
    world.clock.advance(timedelta(days=30))
    world.stored(purposes=("delivery",))
    world.clock.advance(timedelta(days=29))
    assert world.plan(unused_days=30)["due"] == 0
    world.clock.advance(timedelta(days=1))
    assert world.plan(unused_days=30)["due"] == 1


def test_of_what_is_unused_the_held_and_the_restricted_are_counted_apart_and_kept(world: PurgeWorld) -> None:
    tokens = several(world, 3, "security")
    world.hold(tokens[0])
    world.restrict(tokens[1])
    world.clock.advance(timedelta(days=10))
    plan = world.plan(unused_days=10)
    assert (plan["due"], plan["held"], plan["restricted"]) == (1, 1, 1)
    assert counts(world.purge(plan_id=plan["plan_id"])) == {"purged": 1, "kept": 2}


def test_an_unused_purpose_of_a_used_number_and_message_keys_stay(world: PurgeWorld) -> None:
    token = world.stored(purposes=("delivery", "security"))
    world.encrypted()
    world.clock.advance(timedelta(days=40))
    world.call("Reveal", {"token": token, "purpose": "security"})
    plan = world.plan(unused_days=30)
    assert (plan["due"], plan["message_keys"]) == (0, 0)
    world.purge(plan_id=plan["plan_id"])
    assert set(world.record(token).grants) == {"delivery", "security"}


def test_a_plan_of_what_is_unused_is_of_one_tenant_if_it_says_so(world: PurgeWorld) -> None:
    several(world, 2, "security")
    acme = {"tenant_id": "acme", "subject_id": "a", "number": NUMBERS[1], "purposes": {"security": {}}}
    world.call("Protect", acme)
    world.clock.advance(timedelta(days=10))
    assert world.plan(unused_days=10)["by_tenant"] == {"acme": 1, "default": 2}
    assert world.plan(unused_days=10, tenant_id="acme")["by_tenant"] == {"acme": 1}


def test_a_row_that_does_not_read_is_told_and_stops_no_plan(world: PurgeWorld) -> None:
    tokens = several(world, 3, "security")
    world.spoil(tokens[0])
    world.clock.advance(timedelta(days=10))
    plan = world.plan(unused_days=10)
    assert (plan["due"], plan["unreadable"]) == (2, 1)


# What earlier crashes have left.


def test_a_tombstone_that_an_erasure_has_left_is_swept_and_named_in_the_receipt(world: PurgeWorld) -> None:
    token = world.stored()
    subject_ref = world.record(token).subject_ref
    world.clock.advance(timedelta(days=3))
    world.retained.shred(
        world.record(token), Because.ERASURE, world.clock.now(), world.clock.now() + timedelta(days=90)
    )
    output = world.purge()
    assert counts(output) == {"purged": 1}
    assert world.is_swept(token, subject_ref)
    assert names_token(output["receipt"], token)
