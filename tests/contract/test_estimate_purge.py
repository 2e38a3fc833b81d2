"""`phone-vault estimate purge`, held to what then happens on the embedded AWS."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from phone_vault.services.estimate.purge import PAGES_AT_ONCE
from tests.contract.vaults import fill

Output = pytest.CaptureFixture[str]
TOLERATED = 0.1
POLICY: dict[str, Any] = {
    "circuit_breaker": 0.9,
    "purposes": {
        "security": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}},
        "delivery": {"lawful_basis": "contract", "retention": {"days": 2, "from": "created"}},
    },
    "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}],
}


def answered(capsys: Output, *argv: str) -> Any:
    capsys.readouterr()
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def encrypt(cloud: LocalCloud, count: int) -> None:
    """Message keys of other subjects."""
    for at in range(count):
        request = {"tenant_id": "acme", "subject_id": f"other-{at}", "number": "+447400123456", "purpose": "delivery"}
        assert "message" in cloud.invoke("Encrypt", request)


def deliver(cloud: LocalCloud, count: int) -> None:
    """Numbers that have both purposes."""
    purposes: dict[str, Any] = {"security": {}, "delivery": {}}
    for at in range(count):
        request = {"subject_id": f"both-{at}", "number": f"+4474001{at:05}", "purposes": purposes}
        assert "token" in cloud.invoke("Protect", {"tenant_id": "acme", **request})


def held_to_what_happens(cloud: LocalCloud, capsys: Output, *options: str) -> Any:
    report = answered(capsys, "estimate", "purge", *options)
    before = len(cloud.calls)
    given = {"plan_id": cloud.invoke("PlanPurge", {})["plan_id"]} if "--planned" in options else {}
    output = cloud.execute("Purge", given)
    calls = cloud.calls[before:]
    happened = {
        "requests": len(calls),
        "read_units": sum(call.read_units for call in calls),
        "write_units": sum(call.write_units for call in calls),
    }
    predicted = {name: report[name] for name in ("read_units", "write_units")}
    predicted["requests"] = sum(report["requests"].values())
    assert {name: predicted[name] / happened[name] for name in happened} == {
        name: pytest.approx(1, abs=TOLERATED) for name in happened
    }
    assert report["kms_calls"] == pytest.approx(sum(call.service == "kms" for call in calls), abs=2)
    assert (report["records"]["due"], report["records"]["message_keys"]) == (output["purged"], output["message_keys"])
    return report


@pytest.mark.parametrize("options", [[], ["--planned"]], ids=["unplanned", "planned"])
def test_it_is_within_10_percent_of_what_happens(options: list[str], capsys: Output) -> None:
    with LocalCloud(POLICY) as cloud:
        fill(cloud, "acme", 150)
        cloud.execute("Purge", {})
        cloud.clock.advance(days=31)
        fill(cloud, "acme", 30, start=200)
        report = held_to_what_happens(cloud, capsys, *options)
    assert report["records"]["due"] == 150


def test_message_keys_and_dropped_purposes_are_in_it(capsys: Output) -> None:
    with LocalCloud(POLICY) as cloud:
        deliver(cloud, 20)
        encrypt(cloud, 10)
        cloud.execute("Purge", {})
        cloud.clock.advance(days=2)
        report = held_to_what_happens(cloud, capsys)
    assert report["records"] == {"due": 0, "message_keys": 10, "purposes_dropped": 20, "kept": 0}


def test_a_first_purge_with_nothing_due_is_reckoned_too(capsys: Output) -> None:
    with LocalCloud(POLICY) as cloud:
        fill(cloud, "acme", 1)
        cloud.clock.advance(days=10)
        held_to_what_happens(cloud, capsys)


def test_what_the_circuit_breaker_leaves_out_is_told(capsys: Output) -> None:
    with LocalCloud(POLICY) as cloud:
        fill(cloud, "acme", 3)
        cloud.clock.advance(days=31)
        unplanned = answered(capsys, "estimate", "purge")
        planned = answered(capsys, "estimate", "purge", "--planned")
    assert (unplanned["skipped_tenants"], unplanned["circuit_breaker_open"]) == (["acme"], True)
    assert (planned["skipped_tenants"], planned["records"]["due"]) == ([], 3)


def test_people_see_it_in_a_narrow_terminal(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with LocalCloud(POLICY) as cloud:
        fill(cloud, "acme", 3)
        cloud.clock.advance(days=31)
        assert main(["estimate", "purge"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^  stored numbers due +0$", shown, re.MULTILINE)
    assert "circuit breaker leaves out 1 tenant" in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_one_tenant_takes_a_plan() -> None:
    assert main(["estimate", "purge", "--tenant", "acme"]) == 2


def test_pages_are_worked_on_side_by_side_as_the_state_machine_says() -> None:
    definition = (Path(__file__).resolve().parents[2] / "infrastructure/state_machines/purge.asl.yaml").read_text()
    assert set(re.findall(r"MaxConcurrency: (\d+)", definition)) == {str(PAGES_AT_ONCE)}
