"""`phone-vault status`: what an operator sees of a vault that has been used."""

import json
import re
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.integration.support.numbers import AMERICAN, BRITISH

PURPOSES = {
    "delivery": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}},
    "security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "created"}},
}
EVERYTHING = {"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}
POLICY: dict[str, Any] = {
    "purposes": PURPOSES,
    "tenants": {"acme": {"wrapping": "direct"}, "unused": {}},
    "principals": [EVERYTHING],
}
Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def used() -> Any:
    """Three stored numbers and a message key, some of whose purposes have ended; nothing more is written."""
    with LocalCloud(POLICY) as cloud:
        protect(cloud, "default", "anna", BRITISH, "delivery", "security")
        protect(cloud, "default", "ben", AMERICAN, "delivery")
        protect(cloud, "acme", "anna", BRITISH, "security")
        cloud.invoke("Encrypt", {"subject_id": "anna", "number": BRITISH, "purpose": "security"})
        cloud.clock.advance(days=40)
        yield cloud


def protect(cloud: LocalCloud, tenant: str, subject: str, number: str, *purposes: str) -> None:
    request = {
        "tenant_id": tenant,
        "subject_id": subject,
        "number": number,
        "purposes": {each: {} for each in purposes},
    }
    assert "token" in cloud.invoke("Protect", request)


def status(capsys: Output, *options: str) -> Any:
    assert main(["status", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def text(capsys: Output) -> str:
    assert main(["status"]) == 0
    return capsys.readouterr().out


# What is counted.


def test_numbers_are_counted_by_purpose_and_state(used: LocalCloud, capsys: Output) -> None:
    assert status(capsys)["totals"]["stored_numbers"] == {
        "total": 3,
        "live": 2,
        "ended": 1,
        "by_purpose": {"delivery": {"live": 0, "ended": 2}, "security": {"live": 2, "ended": 0}},
    }


def test_message_keys_are_counted_apart(used: LocalCloud, capsys: Output) -> None:
    assert status(capsys)["tenants"]["default"]["message_keys"]["by_purpose"] == {"security": {"live": 1, "ended": 0}}


def test_tenants_are_those_of_the_tables_and_of_the_policy(used: LocalCloud, capsys: Output) -> None:
    tenants = status(capsys)["tenants"]
    assert {name: tenant["in_policy"] for name, tenant in tenants.items()} == {
        "acme": True,
        "default": False,
        "unused": True,
    }


def test_records_are_counted_by_wrapping(used: LocalCloud, capsys: Output) -> None:
    tenants = status(capsys)["tenants"]
    assert [tenants[name]["stored_numbers"]["by_wrapping"] for name in ("acme", "default")] == [
        {"direct": 1},
        {"branch#1": 2},
    ]


def test_key_versions_have_state_age_and_kms_key(used: LocalCloud, capsys: Output) -> None:
    (branch,) = [key for key in status(capsys)["tenants"]["default"]["keys"] if key["use"] == "branch"]
    assert branch == {
        "use": "branch",
        "version": 1,
        "state": "active",
        "created_at": "2026-01-01T00:00:00Z",
        "age_days": 40,
        "in_state_since": "2026-01-01T00:00:00Z",
        "compromised": False,
        "records": None,
        "kms_key": f"arn:aws:kms:eu-west-1:123456789012:key/{used.outputs['KekId']}",
        "wrapped_by": "Kek",
        "as_policy_says": True,
    }


def test_cache_settings_are_the_policys_and_the_stacks(used: LocalCloud, capsys: Output) -> None:
    assert status(capsys)["cache"] == {"seconds": 300, "keys_at_most": 1000}


# Which policy counts.


def test_a_policy_that_is_named_is_counted_by(used: LocalCloud, capsys: Output, tmp_path: Any) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[purposes.security]\nlawful_basis = "contract"\nretention = {days = 10, from = "created"}\n')
    report = status(capsys, "--policy", str(path))
    assert report["totals"]["stored_numbers"]["by_purpose"]["security"] == {"live": 0, "ended": 2}


def test_records_of_a_wrapping_that_the_policy_has_left_are_counted(
    used: LocalCloud, capsys: Output, tmp_path: Any
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[purposes.security]\nlawful_basis = "contract"\nretention = {days = 90, from = "created"}\n')
    tenants = status(capsys, "--policy", str(path))["tenants"]
    assert {name: tenant["stored_numbers"]["otherwise_wrapped"] for name, tenant in tenants.items()} == {
        "acme": 1,
        "default": 0,
    }


def test_a_faulty_policy_is_a_problem(used: LocalCloud, capsys: Output, tmp_path: Any) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("mask = 3")
    assert main(["status", "--policy", str(path)]) == 1
    assert "mask: must be a table" in capsys.readouterr().err


# For people.


def test_people_see_a_row_for_each_purpose(used: LocalCloud, capsys: Output) -> None:
    assert re.search(r"^  delivery +contract +0 +2 +0 +0$", text(capsys), flags=re.MULTILINE)


def test_people_see_where_the_counts_come_from(used: LocalCloud, capsys: Output) -> None:
    assert "Vault phone-vault on the embedded AWS of this process, at 2026-02-10T00:00:00Z" in text(capsys)


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["for people", "for machines"])
def test_nothing_of_a_single_record_is_shown(used: LocalCloud, capsys: Output, options: list[str]) -> None:
    main(["status", *options])
    shown = capsys.readouterr().out
    assert [each for each in ("tok_", "anna", "ben", "740012", "2015550") if each in shown] == []


# What goes wrong.


def test_a_stack_that_does_not_exist_is_a_problem(used: LocalCloud, capsys: Output) -> None:
    assert main(["status", "--stack-name", "other"]) == 1
    assert "Stack with id other does not exist" in capsys.readouterr().err
