"""`phone-vault demo`: once in full, and in small on a cloud that is open already."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import pytest
from phonenumbers import national_significant_number

from phone_vault.cli import main
from phone_vault.cli.demonstration import tables, tour
from phone_vault.cli.demonstration.examples import Examples, all_examples
from phone_vault.cli.demonstration.sweep import NumberSearch
from phone_vault.domain.problems import PROBLEM_TYPES
from phone_vault.local import LocalCloud
from phone_vault.local.calls import AwsCall

TABLES = ["AuditTrail", "KeyRing", "LookupIndex", "Numbers", "Operations", "RecordKeys", "Subjects"]
FEW = 20


@dataclass(frozen=True)
class Run:
    """A run, and what the cloud itself says of it."""

    exit_code: int
    output: str
    calls: list[AwsCall]
    record_ids: list[str]
    """But for the one that was erased."""

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.output)
        return report


def run(argv: list[str], cloud: LocalCloud) -> Run:
    with redirect_stdout(io.StringIO()) as output:
        exit_code = main(argv)
    pages = (
        cloud.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=cloud.outputs["RecordKeysTable"], ProjectionExpression="record_id, wrapped_key")
    )
    record_ids = [item["record_id"]["S"] for page in pages for item in page["Items"] if "wrapped_key" in item]
    return Run(exit_code, output.getvalue(), cloud.calls, record_ids)


@pytest.fixture(scope="module")
def in_full() -> Run:
    with LocalCloud() as cloud:
        return run(["demo", "--json"], cloud)


@pytest.fixture(scope="module")
def few_examples() -> Iterator[Examples]:
    everything = all_examples()
    few = replace(everything, distinct=everything.distinct[:: len(everything.distinct) // FEW])
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(tour, "all_examples", lambda: few)
        yield few


@dataclass(frozen=True)
class Twice:
    """Two runs with a few examples on one cloud, and what the cloud answers afterwards."""

    first: Run
    second: Run
    afterwards: dict[str, Any]


@pytest.fixture(scope="module")
def twice(few_examples: Examples) -> Twice:
    with LocalCloud() as cloud:
        first, second = run(["demo"], cloud), run(["demo", "--json"], cloud)
        request = {"subject_id": "later", "number": "+447400123456", "purposes": {"account_security": {}}}
        token = cloud.invoke("Protect", request)["token"]
        return Twice(first, second, cloud.invoke("Reveal", {"token": token, "purpose": "account_security"}))


def occurs(number: str, text: str) -> bool:
    """Whether the digits stand in the text and no letter or digit touches them."""
    return re.search(rf"(?<![0-9A-Za-z]){number}(?![0-9A-Za-z])", text) is not None


def forms(examples: Examples) -> Iterator[str]:
    for example in examples.distinct:
        national = national_significant_number(example.number)
        yield example.e164.removeprefix("+")
        if len(national) >= 7:
            yield national


def test_the_demo_in_full_succeeds(in_full: Run) -> None:
    assert in_full.exit_code == 0
    assert in_full.report["ok"] is True


def test_its_records_are_those_in_the_table(in_full: Run) -> None:
    report = in_full.report
    mine = [each for each in in_full.record_ids if each.startswith(f"{report['tenant_id']}#")]
    assert len(mine) == len(set(mine)) == report["counts"]["records"] == report["protected"] == report["revealed"]
    assert len(mine) == 2 * len(all_examples().distinct)


def test_its_calls_are_those_that_the_functions_made(in_full: Run) -> None:
    counts = in_full.report["counts"]
    made = Counter((call.service, call.operation) for call in in_full.calls)
    assert made == {
        (service, operation): count
        for service, operations in counts["aws_calls"].items()
        for operation, count in operations.items()
    }
    assert counts["kms_calls"] == sum(call.service == "kms" for call in in_full.calls)


def test_every_kind_of_refusal_was_provoked(in_full: Run) -> None:
    shown = {(each["problem"], each["status"]) for each in in_full.report["refusals"]}
    answered = {(kind.name, kind.status) for kind in PROBLEM_TYPES.values()}
    assert shown == answered - {("circuit-breaker-open", 409)}  # which ends a state machine, and answers no call


def test_a_row_of_each_table_is_shown_and_no_number_is_in_it(in_full: Run) -> None:
    rows = in_full.report["tables"]["shown"]
    assert sorted(rows) == TABLES
    text = json.dumps(rows)
    assert not [form for form in forms(all_examples()) if occurs(form, text)]


def test_its_report_is_complete(in_full: Run) -> None:
    report = in_full.report
    assert report["input"]["regions"] == 245
    assert sum(report["input"]["styles"].values()) == report["protected"]
    assert report["looked_up"] == report["matches"] == report["mismatches"] == report["protected_again"] == 100
    assert report["refused_as_invalid"] > 20
    assert report["tables"]["rows"] > 4 * report["protected"]
    assert report["counts"]["seconds"]["total"] > 0


def test_it_leaves_the_cloud_that_was_open_working(twice: Twice) -> None:
    assert twice.first.exit_code == 0
    assert twice.afterwards["number"] == "+447400123456"


def test_a_second_run_on_one_cloud_has_records_of_its_own(twice: Twice) -> None:
    assert twice.second.exit_code == 0
    records = twice.second.report["counts"]["records"]
    assert len(twice.first.record_ids) == records
    assert len(twice.second.record_ids) == 2 * records


def test_no_number_stands_in_the_text_after_what_was_put_in(few_examples: Examples, twice: Twice) -> None:
    _, _, afterwards = twice.first.output.partition("\nReveal\n")
    assert "The tables" in afterwards
    assert not [form for form in forms(few_examples) if occurs(form, afterwards)]


def test_the_text_has_every_section_and_neither_colour_nor_what_a_terminal_may_not_have(twice: Twice) -> None:
    shown = twice.first.output
    for title in ("Protect", "Reveal", "Lookup", "Verify", "Protect again", "The tables", "Refusals", "Counts"):
        assert f"\n{title}\n" in shown
    assert "\033" not in shown
    assert shown.isascii()


def test_what_does_not_come_out_as_expected_is_1_and_said(
    few_examples: Examples, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class FindsEverything(NumberSearch):
        def found_in(self, value: str | bytes) -> set[str]:
            return {example.e164 for example in few_examples.distinct}

    monkeypatch.setattr(tables, "NumberSearch", FindsEverything)
    with LocalCloud():
        assert main(["demo", "--json"]) == 1
    out, err = capsys.readouterr()
    assert err == "phone-vault: not as expected: no stored number occurs in a row of KeyRing\n"
    assert json.loads(out) == {"ok": False, "problem": err.removeprefix("phone-vault: ").strip()}


def test_a_policy_without_the_purpose_is_told_as_what_it_is(
    few_examples: Examples, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = {
        "version": 1,
        "purposes": {"support": {"lawful_basis": "contract", "retention": {"days": 1, "from": "created"}}},
        "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["full"]}],
    }
    with LocalCloud(policy=policy):
        assert main(["demo"]) == 1
    assert "refused as purpose-not-registered" in capsys.readouterr().err
