"""`phone-vault status`: what retention does, as an operator sees it."""

import json
import re
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.contract.test_status import POLICY, protect
from tests.integration.support.numbers import AMERICAN, BRITISH

Output = pytest.CaptureFixture[str]
NUMBERS = "stored_numbers"


@pytest.fixture(scope="module")
def used() -> Any:
    """One of default's numbers is due, one falls due later, one is held, one erased; of acme's one is restricted."""
    with LocalCloud(POLICY) as cloud:
        protect(cloud, "default", "anna", BRITISH, "delivery", "security")
        protect(cloud, "default", "ben", AMERICAN, "delivery")
        protect(cloud, "default", "carl", BRITISH, "delivery")
        protect(cloud, "default", "dora", BRITISH, "security")
        protect(cloud, "acme", "anna", BRITISH, "security")
        cloud.invoke("Hold", {"subject_id": "carl", "action": "place", "case_id": "case", "reason": "court"})
        cloud.invoke("Erase", {"subject_id": "dora", "reason": "asked for it"})
        restrict = {"subject_id": "anna", "tenant_id": "acme", "action": "restrict", "ground": "accuracy"}
        cloud.invoke("Restrict", restrict)
        cloud.clock.advance(days=40)
        yield cloud


def retention(capsys: Output, tenant: str, *options: str) -> Any:
    capsys.readouterr()
    assert main(["status", "--json", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    return report["retention"] if tenant == "all" else report["tenants"][tenant]["retention"]


def test_the_due_curve_is_told_by_tenant(used: LocalCloud, capsys: Output) -> None:
    due = retention(capsys, "default")["due"][NUMBERS]
    assert due == {"now": 1, "by_day": {"2026-04-01": 1}, "later": 0}
    assert retention(capsys, "acme")["due"][NUMBERS] == {"now": 0, "by_day": {}, "later": 0}


def test_what_is_due_now_is_what_a_plan_lists(used: LocalCloud, capsys: Output) -> None:
    plan = used.invoke("PlanPurge", {})
    counted = retention(capsys, "all")
    assert (counted["due"][NUMBERS]["now"], counted["held"][NUMBERS]) == (plan["due"], plan["held"])


def test_holds_restrictions_and_tombstones_are_counted(used: LocalCloud, capsys: Output) -> None:
    counted = retention(capsys, "all")
    assert [counted[name][NUMBERS] for name in ("held", "restricted", "erasing", "tombstones")] == [1, 1, 0, 1]


@pytest.mark.parametrize(("days", "unused"), [("40", 1), ("41", 0)])
def test_unused_numbers_and_purposes_are_told(used: LocalCloud, capsys: Output, days: str, unused: int) -> None:
    told = retention(capsys, "default", "--unused-days", days)["unused"]
    assert (told[NUMBERS], told["by_purpose"]) == (
        {"live": 1, "unused": unused},
        {"security": {"live": 1, "unused": unused}},
    )


def test_people_see_curve_holds_and_what_nobody_uses(used: LocalCloud, capsys: Output) -> None:
    assert main(["status", "--unused-days", "30"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^  default +numbers +1 +0 +0 +0 +1 +0 +0$", shown, re.MULTILINE)
    assert re.search(r"^  default +1 +0 +0 +1$", shown, re.MULTILINE)
    assert re.search(r"^  default +security +1 +1 +nobody uses it$", shown, re.MULTILINE)


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_days_that_are_none_are_wrong_usage(days: str) -> None:
    assert main(["status", "--unused-days", days]) == 2
