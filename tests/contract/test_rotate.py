"""`phone-vault rotate`: what an operator sees of a rotation."""

import contextlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.contract.interruptions import interrupted_when
from tests.contract.vaults import opened

Output = pytest.CaptureFixture[str]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with opened({"acme": 30, "direct": 5}) as cloud:
        yield cloud


def rotated(capsys: Output, *options: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["rotate", "--json", *options]) == code
    return json.loads(capsys.readouterr().out)


def versions(cloud: LocalCloud, tenant: str = "acme") -> dict[str, str]:
    rows = cloud.client("dynamodb").scan(TableName=cloud.outputs["KeyRingTable"])["Items"]
    return {row["key_version"]["S"]: row["state"]["S"] for row in rows if row["tenant_id"]["S"] == tenant}


# What is rotated.


def test_without_options_nothing_is_rotated_that_is_not_due(cloud: LocalCloud, capsys: Output) -> None:
    rotated(capsys)
    assert "branch#2" not in versions(cloud)


def test_without_options_what_is_due_is_rotated(cloud: LocalCloud, capsys: Output) -> None:
    cloud.clock.advance(days=90)
    output = rotated(capsys)["output"]
    assert (output["rewrapped"], output["retired"]) == (30, ["acme/branch/1", "direct/branch/1"])


def test_a_use_that_is_named_is_rotated_now(cloud: LocalCloud, capsys: Output) -> None:
    output = rotated(capsys, "--use", "index")["output"]
    assert (output["reindexed"], versions(cloud)["index#2"]) == (35, "active")


def test_a_tenant_that_is_named_is_rotated_alone(cloud: LocalCloud, capsys: Output) -> None:
    rotated(capsys, "--use", "branch", "--tenant", "acme")
    assert ("branch#2" in versions(cloud), "branch#2" in versions(cloud, "direct")) == (True, False)


def test_without_new_keys_a_census_is_taken_all_the_same(cloud: LocalCloud, capsys: Output) -> None:
    assert rotated(capsys, "--no-new-keys")["output"]["census"]["acme/branch/1"] == 30


def test_a_compromise_is_not_waited_out(cloud: LocalCloud, capsys: Output) -> None:
    output = rotated(capsys, "--compromise", "--use", "branch")["output"]
    assert (output["rewrapped"], output["retired"]) == (30, ["acme/branch/1", "direct/branch/1"])


def test_records_are_encrypted_anew_when_that_is_asked_for(cloud: LocalCloud, capsys: Output) -> None:
    assert rotated(capsys, "--re-encrypt", "--yes")["output"]["re_encrypted"] == 35


def test_kms_keys_get_new_material_and_the_records_a_census(cloud: LocalCloud, capsys: Output) -> None:
    report = rotated(capsys, "--use", "kms", "--yes")
    assert {(each["tenant_id"], each["use"]) for each in report["rotated"]} == {("acme", "kms"), ("direct", "kms")}
    assert report["output"]["census"]["acme/branch/1"] == 30
    rotations = cloud.client("kms").list_key_rotations(KeyId=cloud.outputs["KekId"])["Rotations"]
    assert len(rotations) == 1


# What is told.


def test_the_output_of_the_execution_is_told_whole(cloud: LocalCloud, capsys: Output) -> None:
    report = rotated(capsys)
    execution = cloud.client("stepfunctions").describe_execution(executionArn=report["execution"])
    assert (report["ok"], report["how"], report["output"]) == (True, "started", json.loads(execution["output"]))


@pytest.fixture(scope="module")
def told() -> str:
    """A rotation of everything, in a narrow terminal."""
    with opened({"acme": 30, "direct": 5}) as cloud, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        cloud.clock.advance(days=400)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            assert main(["rotate"]) == 0
    return out.getvalue() + err.getvalue()


def test_people_see_each_step(told: str) -> None:
    steps = re.findall(r"^  ([a-z- ]+): (\d+) records?, (?:(\d+) changed, )?16 shards$", told, re.MULTILINE)
    assert steps == [
        ("re-wrapping", "35", "30"),
        ("re-indexing", "35", "35"),
        ("first census", "35", ""),
        ("sweeping", "35", "35"),
        ("last census", "35", ""),
    ]


def test_people_see_the_census(told: str) -> None:
    assert re.search(r"^  acme +branch 1 +retired +0$", told, re.MULTILINE)
    assert re.search(r"^  acme +branch 2 +active +30$", told, re.MULTILINE)


def test_people_see_what_was_retired(told: str) -> None:
    assert "retired: acme/branch/1, acme/index/1, direct/branch/1, direct/index/1" in told


def test_nothing_of_a_single_record_is_shown(told: str) -> None:
    assert [each for each in ("tok_", "subject-", "740000") if each in told] == []


def test_lines_fit_a_narrow_terminal(told: str) -> None:
    lines = re.sub(r"rotate-\w+-\w+", "", told).splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_message_keys_out_of_reach_are_told_of(cloud: LocalCloud, capsys: Output) -> None:
    cloud.invoke(
        "Encrypt", {"tenant_id": "acme", "subject_id": "anna", "number": "+447400123456", "purpose": "security"}
    )
    assert main(["rotate", "--compromise", "--use", "branch"]) == 0
    assert "OUT OF REACH: 1 message key of acme" in capsys.readouterr().out


# What goes wrong.


def test_records_that_cannot_be_moved_on_are_a_problem(cloud: LocalCloud, capsys: Output) -> None:
    dynamodb, table = cloud.client("dynamodb"), cloud.outputs["RecordKeysTable"]
    rows = dynamodb.scan(TableName=table)["Items"]
    of_acme = next(row["record_id"] for row in rows if row["record_id"]["S"].startswith("acme#"))
    dynamodb.update_item(
        TableName=table,
        Key={"record_id": of_acme},
        UpdateExpression="SET wrapped_key = :tampered",
        ExpressionAttributeValues={":tampered": {"B": b"tampered"}},
    )
    report = rotated(capsys, "--use", "branch", code=1)
    assert (report["ok"], report["output"]["failed"], report["output"]["census"]["acme/branch/1"]) == (False, 1, 1)


def test_a_tenant_that_is_none_fails_the_rotation(cloud: LocalCloud, capsys: Output) -> None:
    report = rotated(capsys, "--tenant", "nobody", code=1)
    assert "the Rotation failed: not-found" in report["problem"]


def test_what_cannot_be_taken_back_is_asked_about(cloud: LocalCloud, capsys: Output) -> None:
    assert main(["rotate", "--use", "kms"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not cloud.client("kms").list_key_rotations(KeyId=cloud.outputs["KekId"])["Rotations"]


@pytest.mark.parametrize("options", [["--use", "subject"], ["--use", "branch", "--no-new-keys"], ["--records", "3"]])
def test_wrong_options_are_wrong_usage(options: list[str]) -> None:
    assert main(["rotate", *options]) == 2


# Interruptions. An operator's Ctrl-C is SIGINT to the process.


def progress(cloud: LocalCloud) -> list[Mapping[str, Any]]:
    rows = cloud.client("dynamodb").scan(TableName=cloud.outputs["OperationsTable"])["Items"]
    return [row for row in rows if row["operation_id"]["S"].startswith("run#")]


def test_an_interrupted_rotation_is_stopped_and_goes_on_with_the_same_command(capsys: Output) -> None:
    with opened({"acme": 120}) as cloud:
        with interrupted_when(lambda: progress(cloud)):
            interrupted = rotated(capsys, "--use", "branch", code=1)
        assert "Nothing is lost" in interrupted["problem"]
        (stopped,) = cloud.client("stepfunctions").list_executions(
            stateMachineArn=cloud.outputs["RotationStateMachineArn"]
        )["executions"]
        assert stopped["status"] == "ABORTED"
        report = rotated(capsys, "--use", "branch")
        assert (report["how"], report["output"]["rewrapped"]) == ("continued", 120)
        assert {name: state for name, state in versions(cloud).items() if "branch" in name} == {
            "branch#1": "retired",
            "branch#2": "active",
        }


def test_after_its_end_the_same_command_rotates_again(cloud: LocalCloud, capsys: Output) -> None:
    rotated(capsys, "--use", "branch")
    assert rotated(capsys, "--use", "branch")["how"] == "started"
    assert versions(cloud)["branch#3"] == "active"


def test_a_rotation_that_is_running_is_followed(capsys: Output) -> None:
    with opened({"acme": 120}) as cloud:
        machine = cloud.outputs["RotationStateMachineArn"]
        started = cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input='{"rotate": "due"}')
        report = rotated(capsys)
        assert (report["how"], report["execution"]) == ("followed", started["executionArn"])


def test_what_was_asked_for_in_vain_while_another_was_running_is_a_problem(capsys: Output) -> None:
    with opened({"acme": 120}) as cloud:
        machine = cloud.outputs["RotationStateMachineArn"]
        cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input='{"rotate": "none"}')
        report = rotated(capsys, "--use", "branch", code=1)
        assert "started for something else" in report["problem"]
        assert "branch#2" not in versions(cloud)


# Status, afterwards.


def test_status_shows_what_the_census_has_found(cloud: LocalCloud, capsys: Output) -> None:
    rotated(capsys, "--use", "branch")
    cloud.clock.advance(days=3)
    assert main(["status", "--json"]) == 0
    tenant = json.loads(capsys.readouterr().out)["tenants"]["acme"]
    assert {(key["version"], key["state"], key["records"]) for key in tenant["keys"] if key["use"] == "branch"} == {
        (1, "retired", 0),
        (2, "active", 30),
    }
    assert (tenant["census"]["age_seconds"], tenant["census"]["stored_numbers"]) == (3 * 86_400, 30)
