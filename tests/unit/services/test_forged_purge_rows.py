"""Rows of a purge that somebody else has written into Operations: none of them comes into a receipt."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.purge_run import PageProgress, PageState, Part, PurgeRun, RunState
from tests.unit.services.purge_world import PurgeWorld, subject
from tests.unit.services.rights_world import NUMBERS
from tests.unit.services.test_purge import DELIVERY


@pytest.fixture
def world() -> PurgeWorld:
    made = PurgeWorld()
    for at in range(2):
        made.stored(NUMBERS[at], ("delivery",), subject(at))
    made.clock.advance(DELIVERY)
    return made


def finished(world: PurgeWorld, run: dict[str, Any]) -> None:
    for page in run["pages"]:
        world.page(run["scope"], run["run_id"], page)
    world.advance("finish", scope=run["scope"], run_id=run["run_id"])


def test_a_page_that_the_vault_has_not_written_is_refused_and_signed_by_nobody(world: PurgeWorld) -> None:
    run = world.begin()
    lie = {"purged": 12_345}
    world.runs.pages[run["run_id"], 0] = PageProgress(
        run["run_id"], 0, PageState.DONE, counts=lie, by_purpose={"delivery": 12_345}, revision=1
    )
    with pytest.raises(TamperedStore):
        world.page(run["scope"], run["run_id"], 0)
    with pytest.raises(TamperedStore):
        finished(world, {**run, "pages": []})
    assert not world.receipts.texts


@pytest.mark.parametrize(
    "edit",
    [
        lambda page: replace(page, counts={"purged": 3}),
        lambda page: replace(page, by_purpose={"security": 2}),
        lambda page: replace(page, leaves=page.leaves[:1]),
        lambda page: replace(page, left_from=None, state=PageState.COUNTED),
        lambda page: replace(page, revision=page.revision + 1),
        lambda page: replace(page, seal=b""),
        lambda page: replace(page, revision=0, seal=b""),
    ],
)
def test_a_page_that_was_edited_is_refused(world: PurgeWorld, edit: Callable[[PageProgress], PageProgress]) -> None:
    run = world.begin()
    world.page(run["scope"], run["run_id"], 0)
    place = run["run_id"], 0
    world.runs.pages[place] = edit(world.runs.pages[place])
    with pytest.raises(TamperedStore):
        finished(world, {**run, "pages": []})
    assert not world.receipts.texts


def test_a_page_of_another_run_is_refused(world: PurgeWorld) -> None:
    first = world.begin()
    finished(world, first)
    issued = len(world.receipts.texts)
    world.stored(NUMBERS[2], ("delivery",), "late")
    world.clock.advance(DELIVERY)
    second = world.begin()
    moved = replace(world.runs.pages[first["run_id"], 0], run_id=second["run_id"])
    world.runs.pages[second["run_id"], 0] = moved
    with pytest.raises(TamperedStore):
        finished(world, second)
    assert len(world.receipts.texts) == issued


@pytest.mark.parametrize(
    "edit",
    [
        lambda run: replace(run, continues=(Part("another", 1),)),
        lambda run: replace(run, pages=0),
        lambda run: replace(run, tenant_id="acme"),
        lambda run: replace(run, unused_days=3),
        lambda run: replace(run, skipped=("default",)),
        lambda run: replace(run, state=RunState.FINISHED),
        lambda run: replace(run, seal=b""),
    ],
)
def test_a_run_that_was_edited_is_refused(world: PurgeWorld, edit: Callable[[PurgeRun], PurgeRun]) -> None:
    run = world.begin()
    world.runs.runs[run["scope"]] = edit(world.runs.runs[run["scope"]])
    with pytest.raises(TamperedStore):
        finished(world, run)
    assert not world.receipts.texts
    assert len(world.tables.records) == 2


def test_a_run_of_another_scope_is_refused(world: PurgeWorld) -> None:
    run = world.begin()
    plan_id = world.planned()
    world.runs.runs[plan_id] = replace(world.runs.runs[run["scope"]], scope=plan_id)
    with pytest.raises(TamperedStore):
        world.begin(plan_id=plan_id)


def test_a_low_water_on_a_day_to_come_is_none_and_is_replaced(world: PurgeWorld) -> None:
    today = world.clock.now().date()
    for forged in (date(2999, 1, 1), today + timedelta(days=1)):
        world.runs.first_day = forged
        assert world.plan()["due"] == 2
    world.clock.advance(timedelta(hours=2))
    assert world.purge()["purged"] == 2
    assert world.runs.first_day == today
