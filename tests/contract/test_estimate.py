"""`phone-vault estimate rotation`, held to what then happens on the embedded AWS."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.contract.vaults import opened

Output = pytest.CaptureFixture[str]
Measures = dict[str, float]
TOLERATED = 0.1


def answered(capsys: Output, *argv: str) -> Any:
    capsys.readouterr()
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def estimate(capsys: Output, *options: str) -> Any:
    return answered(capsys, "estimate", "rotation", *options)


def measured(cloud: LocalCloud, before: int) -> Measures:
    """What functions have asked for since."""
    calls = cloud.calls[before:]
    return {
        "requests": len(calls),
        "read_units": sum(call.read_units for call in calls),
        "write_units": sum(call.write_units for call in calls),
        "kms_calls": sum(call.service == "kms" for call in calls),
    }


def told(report: Any) -> Measures:
    named = ("read_units", "write_units", "kms_calls")
    return {"requests": sum(report["requests"].values()), **{name: report[name] for name in named}}


# The vault's tenants with their numbers, the command's options, and the days that pass before.
CASES: dict[str, tuple[Mapping[str, int], Sequence[str], int]] = {
    "50 records, branch": ({"acme": 50}, ["--use", "branch"], 1),
    "50 records, index": ({"acme": 50}, ["--use", "index"], 1),
    "500 records, what is due": ({"acme": 500}, [], 400),
    "several tenants, what is due": ({"acme": 120, "bank": 30, "direct": 60, "tiny": 2}, [], 400),
    "one of several tenants": ({"acme": 60, "bank": 30}, ["--use", "branch", "--tenant", "acme"], 1),
    "nothing is due": ({"acme": 100}, [], 1),
    "a compromise": ({"acme": 60, "direct": 30}, ["--compromise"], 1),
    "new record keys": ({"acme": 60, "direct": 30}, ["--re-encrypt"], 1),
    "a compromise, new record keys": ({"acme": 60}, ["--use", "branch", "--compromise", "--re-encrypt"], 1),
}


@pytest.mark.parametrize(("tenants", "options", "days"), CASES.values(), ids=CASES.keys())
def test_it_is_within_10_percent_of_what_happens(
    tenants: Mapping[str, int], options: Sequence[str], days: int, capsys: Output
) -> None:
    with opened(tenants) as cloud:
        cloud.clock.advance(days=days)
        predicted = told(estimate(capsys, *options))
        before = len(cloud.calls)
        output = answered(capsys, "rotate", *options, "--yes")["output"]
        happened = measured(cloud, before)
    assert output["failed"] == 0
    assert {name: predicted[name] / happened[name] for name in happened} == {
        name: pytest.approx(1, abs=TOLERATED) for name in happened
    }


def test_3000_records_too(capsys: Output) -> None:
    """Re-wrapped: a page of RecordKeys for each 100, and more than one page in a shard."""
    with opened({"acme": 3000}) as cloud:
        report = estimate(capsys, "--use", "branch")
        before = len(cloud.calls)
        cloud.execute("Rotation", {"use": "branch"})
        happened = measured(cloud, before)
    assert report["records"]["re_wrap"] == 3000
    assert all(told(report)[name] == pytest.approx(happened[name], rel=TOLERATED) for name in happened)


def test_it_says_what_is_changed(capsys: Output) -> None:
    with opened({"acme": 20, "direct": 5}) as cloud:
        cloud.clock.advance(days=400)
        assert estimate(capsys)["records"] == {
            "passed_over": 25,
            "re_wrap": 20,
            "re_index": 25,
            "re_encrypt": 0,
            "sweep": 25,
        }


def test_its_waits_are_the_policys(capsys: Output) -> None:
    with opened({"acme": 1}):
        branch, index = estimate(capsys, "--use", "branch"), estimate(capsys, "--use", "index")
    assert (branch["minutes"]["waiting"], index["minutes"]["waiting"]) == (6, 18)


def test_it_changes_nothing_and_reads_no_key_subject_or_index(capsys: Output) -> None:
    asked: list[tuple[str, str]] = []
    with opened({"acme": 3}) as cloud:
        original = cloud.client

        def client(service: str, **settings: Any) -> Any:
            made = original(service, **settings)
            made.meta.events.register("provide-client-params.*.*", noted)
            return made

        def noted(params: Mapping[str, Any], model: Any, **_: Any) -> None:
            names = params.get("ExpressionAttributeNames", {}).values()
            asked.append((model.name, ",".join(sorted(names))))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cloud, "client", client)
            estimate(capsys)
    operations = Counter(name for name, _ in asked)
    assert set(operations) == {"DescribeStacks", "DescribeTable", "Scan"}
    named = {name for _, names in asked for name in names.split(",")}
    assert not named & {"wrapped_key", "subject_id", "subject_ref", "blind_index", "index_position"}


# A vault that is not there.


def test_a_supposed_vault_costs_what_such_a_vault_does(capsys: Output) -> None:
    with opened({"acme": 500}) as cloud:
        cloud.clock.advance(days=400)
        there, supposed = estimate(capsys), estimate(capsys, "--records", "500")
    assert all(told(supposed)[name] == pytest.approx(value, rel=TOLERATED) for name, value in told(there).items())


def test_the_cost_of_a_large_vault_is_known_without_it(capsys: Output) -> None:
    with opened({}):
        million, billion = (estimate(capsys, "--records", str(10**power)) for power in (6, 9))
    assert million["records"]["re_wrap"] == pytest.approx(10**6, rel=0.001)
    assert billion["cost_usd"]["total"] == pytest.approx(1000 * million["cost_usd"]["total"], rel=0.05)


def test_a_price_can_be_named(capsys: Output) -> None:
    with opened({}):
        dear = estimate(capsys, "--records", "1000", "--price", "ten_thousand_kms_calls=300")
        cheap = estimate(capsys, "--records", "1000")
    assert dear["cost_usd"]["kms"] == pytest.approx(10_000 * cheap["cost_usd"]["kms"], rel=0.01)


def test_prices_say_where_and_when_they_are_from(capsys: Output) -> None:
    with opened({}):
        prices = estimate(capsys, "--records", "1")["prices"]
    assert (prices["region"], len(prices["sources"])) == ("eu-west-1", 4)


# For people.


def test_lines_fit_a_narrow_terminal(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with opened({"acme": 3}):
        for options in ([], ["--records", "1000000000"]):
            assert main(["estimate", "rotation", *options]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


# What goes wrong.


def test_a_tenant_that_is_none_is_a_problem(capsys: Output) -> None:
    with opened({"acme": 1}):
        assert main(["estimate", "rotation", "--tenant", "nobody"]) == 1
    assert "there is no tenant nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["--tenants", "3"],
        ["--records", "0"],
        ["--records", "many"],
        ["--records", "5", "--tenant", "acme"],
        ["--price", "moon=3"],
        ["--price", "million_read_units=cheap"],
    ],
    ids=" ".join,
)
def test_wrong_options_are_wrong_usage_and_told_in_words(options: list[str], capsys: Output) -> None:
    assert main(["estimate", "rotation", *options]) == 2
    assert "invalid _" not in capsys.readouterr().err


def test_a_job_must_be_named() -> None:
    assert main(["estimate"]) == 2
