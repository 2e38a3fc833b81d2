"""`phone-vault purge`: what an operator sees of a plan and of a purge."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.contract.interruptions import interrupted_when
from tests.contract.vaults import fill, opened

Output = pytest.CaptureFixture[str]
POLICY: dict[str, Any] = {
    "circuit_breaker": 0.5,
    "purposes": {
        "security": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}},
        "delivery": {"lawful_basis": "contract", "retention": {"days": 1, "from": "created"}},
    },
    "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}],
}
NOT_MADE = "20260101T000000Z-00000000"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where receipts are written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """Of acme's 10 numbers 3 are due, of bank's 2 both."""
    with opened({"acme": 3, "bank": 2}, POLICY) as cloud:
        cloud.clock.advance(days=31)
        fill(cloud, "acme", 7, start=100)
        yield cloud


def told(capsys: Output, *argv: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*argv, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def plan(capsys: Output, *options: str) -> Any:
    return told(capsys, "purge", "plan", *options)


def run(capsys: Output, *options: str, code: int = 0) -> Any:
    return told(capsys, "purge", "run", "--yes", *options, code=code)


def text(capsys: Output, *argv: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(list(argv)) == code
    shown = capsys.readouterr()
    return shown.out + shown.err


def stored(cloud: LocalCloud) -> int:
    rows = cloud.client("dynamodb").scan(TableName=cloud.outputs["RecordKeysTable"])["Items"]
    return sum("wrapped_key" in row for row in rows)


def key_file(cloud: LocalCloud) -> str:
    der = cloud.client("kms").get_public_key(KeyId=cloud.outputs["ReceiptKeyId"])["PublicKey"]
    Path("receipt-key.der").write_bytes(der)
    return "receipt-key.der"


# Plans.


def test_a_plan_tells_what_is_due_and_destroys_nothing(cloud: LocalCloud, capsys: Output) -> None:
    answer = plan(capsys)
    assert (answer["due"], answer["by_tenant"], answer["by_purpose"]) == (5, {"acme": 3, "bank": 2}, {"security": 5})
    assert stored(cloud) == 12


def test_a_plan_of_one_tenant_is_of_that_alone(cloud: LocalCloud, capsys: Output) -> None:
    assert plan(capsys, "--tenant", "bank")["by_tenant"] == {"bank": 2}


def test_a_plan_of_what_nobody_uses_lists_what_is_not_due(cloud: LocalCloud, capsys: Output) -> None:
    cloud.clock.advance(days=10)
    assert plan(capsys, "--unused-days", "10")["by_tenant"] == {"acme": 10, "bank": 2}


def test_people_see_the_plan_and_the_next_command(cloud: LocalCloud, capsys: Output) -> None:
    shown = text(capsys, "purge", "plan")
    assert re.search(r"^  due: stored numbers +5$", shown, re.MULTILINE)
    assert re.search(r"^  bank +2$", shown, re.MULTILINE)
    assert re.search(r"phone-vault purge run --plan \d{8}T\d{6}Z-[0-9a-f]{8}$", shown, re.MULTILINE)


def test_people_see_that_there_is_nothing_to_run(capsys: Output) -> None:
    with opened({"acme": 1}, POLICY):
        assert "nothing is due" in text(capsys, "purge", "plan")


def test_what_is_held_and_restricted_is_told_apart(cloud: LocalCloud, capsys: Output) -> None:
    held = {"tenant_id": "acme", "subject_id": "subject-00000", "action": "place", "case_id": "c", "reason": "court"}
    cloud.invoke("Hold", held)
    cloud.invoke(
        "Restrict", {"tenant_id": "acme", "subject_id": "subject-00001", "action": "restrict", "ground": "accuracy"}
    )
    answer = plan(capsys)
    assert (answer["due"], answer["held"], answer["restricted"]) == (3, 1, 1)


def test_a_plan_of_a_tenant_of_which_nothing_was_ever_stored_is_of_nothing(cloud: LocalCloud, capsys: Output) -> None:
    assert told(capsys, "purge", "plan", "--tenant", "nobody")["due"] == 0


def test_a_plan_of_a_tenant_that_has_left_is_a_problem(cloud: LocalCloud, capsys: Output) -> None:
    cloud.invoke("Offboard", {"tenant_id": "acme", "confirm": "acme"})
    report = told(capsys, "purge", "plan", "--tenant", "acme", code=1)
    assert report["problem"] == "PlanPurge refuses: not-found: there is no such tenant any more"


# Runs.


def test_a_plan_is_carried_out_whatever_the_circuit_breaker_says(cloud: LocalCloud, capsys: Output) -> None:
    report = run(capsys, "--plan", plan(capsys)["plan_id"])
    assert (report["ok"], report["how"], report["output"]["purged"], stored(cloud)) == (True, "started", 5, 7)


def test_without_a_plan_a_tenant_of_which_too_much_is_due_is_left_out(cloud: LocalCloud, capsys: Output) -> None:
    report = run(capsys, code=1)
    assert (report["output"]["purged"], report["output"]["skipped_tenants"]) == (3, ["bank"])
    assert "of 1 tenant nothing was purged (bank)" in report["problem"]


def test_an_open_circuit_breaker_is_told_with_what_to_do(capsys: Output) -> None:
    with opened({"acme": 3}, POLICY) as cloud:
        cloud.clock.advance(days=31)
        shown = text(capsys, "purge", "run", "--yes", code=1)
        assert stored(cloud) == 3
    assert "circuit-breaker-open" in shown
    assert "50 percent" in shown
    assert "phone-vault purge plan\n" in shown
    assert "phone-vault purge run --plan ID" in shown


def test_machines_are_told_of_an_open_circuit_breaker_by_its_name(capsys: Output) -> None:
    with opened({"acme": 3}, POLICY) as cloud:
        cloud.clock.advance(days=31)
        report = run(capsys, code=1)
    assert (report["ok"], report["error"]) == (False, "circuit-breaker-open")


def test_people_see_progress_counts_and_receipt(cloud: LocalCloud, capsys: Output) -> None:
    shown = text(capsys, "purge", "run", "--yes", "--plan", plan(capsys)["plan_id"])
    assert "purging: 1 page, 5 purged, 0 kept" in shown
    assert re.search(r"^  stored numbers purged +5$", shown, re.MULTILINE)
    assert re.search(r"receipt: purge-[0-9a-f]{32}\.receipt\.json", shown)


def test_a_plan_that_there_is_not_is_a_problem(cloud: LocalCloud, capsys: Output) -> None:
    assert "not-found: there is no such plan" in run(capsys, "--plan", NOT_MADE, code=1)["problem"]


def test_a_plan_is_not_run_unasked(cloud: LocalCloud, capsys: Output) -> None:
    assert "--yes" in text(capsys, "purge", "run", code=2)
    assert stored(cloud) == 12


@pytest.mark.parametrize(("answer", "left"), [("y\n", 7), ("n\n", 12), ("", 12)])
def test_who_is_asked_decides(
    cloud: LocalCloud, capsys: Output, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    made = plan(capsys)["plan_id"]
    monkeypatch.setattr("sys.stdin", Person(answer))
    assert main(["purge", "run", "--plan", made]) == (0 if left == 7 else 1)
    assert "the keys of 5 stored numbers of 2 tenants" in " ".join(capsys.readouterr().err.split())
    assert stored(cloud) == left


class Person:
    """Somebody at a terminal."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return self._answer


# Receipts.


def test_the_receipt_is_genuine_and_names_what_was_purged(cloud: LocalCloud, capsys: Output) -> None:
    request = {"subject_id": "anna", "number": "+447400123456", "purposes": {"delivery": {}}}
    token = cloud.invoke("Protect", {"tenant_id": "acme", **request})["token"]
    cloud.clock.advance(days=2)
    receipt = run(capsys, "--plan", plan(capsys)["plan_id"])["receipt_file"]
    verified = told(capsys, "verify", "receipt", receipt, "--public-key", key_file(cloud), "--token", token)
    assert (verified["kind"], verified["counts"]["stored_numbers"], verified["token_is_among"]) == ("purge", 6, True)


def test_the_receipt_is_written_where_it_is_wanted(cloud: LocalCloud, capsys: Output) -> None:
    assert run(capsys, "--receipt", "proof.json", code=1)["receipt_file"] == "proof.json"
    assert json.loads(Path("proof.json").read_text())["kind"] == "purge"


@pytest.mark.parametrize("place", ["proof.json", "nowhere/proof.json"])
def test_nothing_is_destroyed_where_the_receipt_cannot_be_written(
    cloud: LocalCloud, capsys: Output, place: str
) -> None:
    Path("proof.json").write_text("another one")
    run(capsys, "--receipt", place, code=1)
    assert (stored(cloud), Path("proof.json").read_text()) == (12, "another one")


def test_a_receipt_of_many_has_all_its_leaves(capsys: Output) -> None:
    with opened({"acme": 1050}, POLICY) as cloud:
        cloud.clock.advance(days=31)
        receipt = run(capsys, "--plan", plan(capsys)["plan_id"])["receipt_file"]
        content = json.loads(Path(receipt).read_text())
        rows = cloud.client("dynamodb").scan(TableName=cloud.outputs["RecordKeysTable"])["Items"]
        token = rows[0]["record_id"]["S"].partition("#")[2]
        verified = told(capsys, "verify", "receipt", receipt, "--public-key", key_file(cloud), "--token", token)
    assert (content["tokens"]["rows"], len(content["leaves"]), verified["token_is_among"]) == (2, 1050, True)


# Interruptions. An operator's Ctrl-C is SIGINT to the process.


def has_begun(cloud: LocalCloud) -> bool:
    rows = cloud.client("dynamodb").scan(TableName=cloud.outputs["OperationsTable"])["Items"]
    return any(re.fullmatch(r"purge#.*#\d+", row["operation_id"]["S"]) for row in rows)


@pytest.mark.parametrize("is_planned", [True, False])
def test_an_interrupted_purge_is_stopped_and_goes_on_with_the_same_command(capsys: Output, is_planned: bool) -> None:  # noqa: FBT001
    with opened({"acme": 600}, {**POLICY, "circuit_breaker": 1.0}) as cloud:
        cloud.clock.advance(days=31)
        options = ["--plan", plan(capsys)["plan_id"]] if is_planned else []
        with interrupted_when(lambda: has_begun(cloud)):
            interrupted = run(capsys, *options, code=1)
        assert "the same command goes on" in interrupted["problem"]
        machine = cloud.outputs["PurgeStateMachineArn"]
        (stopped,) = cloud.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        assert stopped["status"] == "ABORTED"
        report = run(capsys, *options)
        assert (report["how"], report["output"]["purged"], stored(cloud)) == ("continued", 600, 0)
        receipt = json.loads(Path(report["receipt_file"]).read_text())
        assert receipt["counts"]["stored_numbers"] == 600


def test_the_same_purge_that_is_running_is_followed(capsys: Output) -> None:
    with opened({"acme": 300}, {**POLICY, "circuit_breaker": 1.0}) as cloud:
        cloud.clock.advance(days=31)
        machine = cloud.outputs["PurgeStateMachineArn"]
        started = cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input="{}")
        report = run(capsys)
        assert (report["how"], report["execution"]) == ("followed", started["executionArn"])
        assert report["output"]["purged"] == 300


# What is shown.


@pytest.fixture
def shown(cloud: LocalCloud, capsys: Output) -> str:
    planned = plan(capsys)["plan_id"]
    return "\n".join(
        [
            text(capsys, "purge", "plan"),
            text(capsys, "purge", "run", "--yes", code=1),
            text(capsys, "purge", "run", "--yes", "--plan", planned),
        ]
    )


def test_nothing_of_a_single_record_is_shown(shown: str) -> None:
    assert [each for each in ("tok_", "subject-", "740000") if each in shown] == []


def test_lines_fit_a_narrow_terminal(shown: str) -> None:
    lines = [line for line in shown.splitlines() if not line.startswith("phone-vault: ")]  # a terminal wraps those
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize(
    "argv",
    [
        ["purge"],
        ["purge", "plan", "--unused-days", "0"],
        ["purge", "plan", "--unused-days", "many"],
        ["purge", "plan", "--yes"],
        ["purge", "run", "--yes", "--plan", "low-water"],
        ["purge", "run", "--yes", "--tenant", "acme"],
    ],
    ids=" ".join,
)
def test_wrong_options_are_wrong_usage(argv: list[str]) -> None:
    assert main(argv) == 2
