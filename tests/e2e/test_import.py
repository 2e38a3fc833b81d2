"""`phone-vault import`: files in, tokens out, whatever happens in between."""

import csv
import io
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.cli.importing import patient_vault
from phone_vault.cli.importing.journal_file import latest
from phone_vault.cli.policy import file
from phone_vault.local import LocalCloud
from tests.import_rows import BAD_EVERY, COLUMNS, people, write_csv, write_json_lines
from tests.loopback import served, without_aws_settings

ROWS = 2_000
INTERRUPTED_ROWS = 120
TOKEN = re.compile(rb"tok_[0-9a-z]{20,}")
NUMBER = "+447400123456"
COMMAND = "import sys; from phone_vault.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Run:
    """How a run ended."""

    exit_code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.out)
        return report


def run(*arguments: str | Path) -> Run:
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        exit_code = main(["import", *map(str, arguments)])
    return Run(exit_code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """With tenants that keep no index."""
    blind = {name: {"index": False} for name in ("blind", "blind-killed", "blind-lost")}
    with LocalCloud(policy={**tomllib.loads(file.shipped().read_text()), "tenants": blind}) as opened:
        yield opened


def subjects(cloud: LocalCloud, tenant: str) -> dict[str, str]:
    """Of all that the vault holds for the tenant, by token."""
    pages = (
        cloud.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=cloud.outputs["RecordKeysTable"],
            FilterExpression="begins_with(record_id, :tenant)",
            ProjectionExpression="record_id, subject_id",
            ExpressionAttributeValues={":tenant": {"S": f"{tenant}#"}},
        )
    )
    items = [item for page in pages for item in page["Items"]]
    return {item["record_id"]["S"].partition("#")[2]: item["subject_id"]["S"] for item in items}


def tokens_of(output: Path) -> dict[str, str]:
    """By customer."""
    with output.open(encoding="utf-8", newline="") as file:
        return {row["customer"]: row["number"] for row in csv.DictReader(file)}


def require_everything_imported(cloud: LocalCloud, tenant: str, output: Path, rejects: Path, rows: int) -> None:
    """Every row in its place once, every token its own subject and number, and nothing else in the vault."""
    expected = list(people(rows))
    with output.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    kept = [each for each in expected if each.e164]
    assert [(row["customer"], row["note"], row["country"]) for row in found] == [
        (each.subject_id, each.note, each.region) for each in kept
    ]
    tokens = [row["number"] for row in found]
    assert len(set(tokens)) == len(tokens)
    assert subjects(cloud, tenant) == {row["number"]: row["customer"] for row in found}
    # A subject has one number, so a sample of the numbers does.
    sample = random.Random(0).sample(range(len(kept)), min(len(kept), 100))
    items = [{"token": tokens[at]} for at in sample]
    answer = cloud.invoke("Reveal", {"items": items, "tenant_id": tenant, "purpose": "account_security"})
    assert [result["number"] for result in answer["results"]] == [kept[at].e164 for at in sample]
    with rejects.open(encoding="utf-8", newline="") as file:
        lines = [int(row["line"]) for row in csv.DictReader(file)]
    assert lines == sorted(set(lines))
    assert len(lines) == rows // BAD_EVERY


def test_two_thousand_messy_rows(cloud: LocalCloud, tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", ROWS)
    result = run(tmp_path / "people.csv", *COLUMNS, "--tenant", "csv", "--json")
    assert result.exit_code == 0, result
    report = result.report
    assert (report["rows"], report["created"], report["rejected"]) == (
        ROWS,
        ROWS - ROWS // BAD_EVERY,
        ROWS // BAD_EVERY,
    )
    output, rejects = tmp_path / "people.tokens.csv", tmp_path / "people.rejects.csv"
    require_everything_imported(cloud, "csv", output, rejects, ROWS)


def test_the_same_as_json_lines(cloud: LocalCloud, tmp_path: Path) -> None:
    write_json_lines(tmp_path / "people.jsonl", 150)
    result = run(tmp_path / "people.jsonl", *COLUMNS, "--tenant", "jsonl", "--json")
    assert result.exit_code == 0, result
    rows = [json.loads(line) for line in (tmp_path / "people.tokens.jsonl").read_text(encoding="utf-8").splitlines()]
    kept = [each for each in people(150) if each.e164]
    assert [(row["customer"], row["note"]) for row in rows] == [(each.subject_id, each.note) for each in kept]
    assert subjects(cloud, "jsonl") == {row["number"]: row["customer"] for row in rows}
    rejects = [json.loads(line) for line in (tmp_path / "people.rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [50, 100, 150]


def test_all_bytes_but_the_numbers_are_those_of_the_input(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    path = tmp_path / "odd.csv"
    path.write_bytes(b'\xef\xbb\xbfx;phone;id\r\n"a ""b""";+44 7400 123456;c-1\r\n\r\n"=1\n+1";"07400-123456";c-2')
    arguments = (
        "--number-column",
        "phone",
        "--subject-column",
        "id",
        "--purpose",
        "account_security",
        "--tenant",
        "odd",
    )
    assert run(path, *arguments, "--delimiter", ";", "--number-region", "GB").exit_code == 0
    output = (tmp_path / "odd.tokens.csv").read_bytes()
    expected = b'\xef\xbb\xbfx;phone;id\r\n"a ""b""";T;c-1\r\n\r\n"=1\n+1";T;c-2'
    assert TOKEN.sub(b"T", output) == expected


def test_no_reason_holds_a_number_or_anything_of_the_row(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    path = tmp_path / "bad.csv"
    path.write_text(
        "phone,id\n+4474001234567777,private-1\n+447400123456,+447400123456\n+447400123456,pri vate\n"
        "+447400123456,447400123456\n=cmd,private-2\n+447400123456,private-3,x\n"
    )
    arguments = (
        "--number-column",
        "phone",
        "--subject-column",
        "id",
        "--purpose",
        "account_security",
        "--tenant",
        "bad",
    )
    result = run(path, *arguments)
    rejects = (tmp_path / "bad.rejects.csv").read_text()
    assert [line.split(",")[0] for line in rejects.splitlines()] == ["line", "2", "3", "4", "5", "6", "7"]
    for text in (rejects, result.out, result.err):
        assert not re.search(r"7400|pri|cmd", text)


def test_purposes_and_consents_by_row(cloud: LocalCloud, tmp_path: Path) -> None:
    path = tmp_path / "consents.csv"
    path.write_text(
        "phone,id,for,at,proof\n"
        f"{NUMBER},c-1,marketing_sms,2025-12-01T00:00:00Z,form 7\n"
        f"{NUMBER},c-2,account_security delivery,,\n"
        f"{NUMBER},c-3,marketing_sms,,\n"
    )
    arguments = [
        "--number-column",
        "phone",
        "--subject-column",
        "id",
        "--purpose-column",
        "for",
        "--tenant",
        "consents",
    ]
    arguments += ["--consent-given-at-column", "at", "--consent-evidence-column", "proof", "--json"]
    report = run(path, *arguments).report
    assert report["reasons"] == {"consent-required": 1}
    rows = list(csv.DictReader((tmp_path / "consents.tokens.csv").read_text().splitlines()))
    answer = cloud.invoke("Reveal", {"token": rows[0]["phone"], "purpose": "marketing_sms", "tenant_id": "consents"})
    assert answer["number"] == NUMBER


def test_a_line_of_100_mb_is_a_reject(cloud: LocalCloud, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as file:
        file.write(b"number,country,customer\n")
        for _ in range(100):
            file.write(b"7" * (1 << 20))
        file.write(f"\n{NUMBER},GB,c-1\n".encode())
    report = run(path, *COLUMNS, "--tenant", "long", "--json").report
    assert (report["created"], report["rejected"]) == (1, 1)
    assert (tmp_path / "long.rejects.csv").read_text() == "line,reason\n2,longer than 1 MiB\n"
    assert len(subjects(cloud, "long")) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"number,number,country,customer\n", "the same name"),
        (b"number,country,customer\n\xff\xfe,GB,c\n", "is not utf-8 throughout"),
        (b"phone,country,customer\n", "has no column 'number'"),
        (b'"number,country,customer\n', "cannot be read"),
    ],
)
def test_a_bad_file_is_a_problem_and_writes_nothing(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    result = run(path, *COLUMNS)
    assert (result.exit_code, result.out) == (1, "")
    assert problem in result.err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("option", [["--tenant", "no tenant!"], ["--number-region", "XX"], ["--purpose", "no_such"]])
def test_an_option_that_the_vault_refuses_is_a_problem_and_writes_nothing(
    option: list[str], cloud: LocalCloud, tmp_path: Path
) -> None:
    del cloud
    path = tmp_path / "people.csv"
    path.write_text(f"phone,id\n{NUMBER},c-1\n")
    result = run(path, "--number-column", "phone", "--subject-column", "id", "--purpose", "account_security", *option)
    assert result.exit_code == 1, result
    assert "the vault refuses" in result.err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "arguments",
    [
        ["people.csv"],
        ["people.txt", *COLUMNS],
        ["people.csv", *COLUMNS, "--subject", "x"],
        ["people.csv", *COLUMNS, "--consent-evidence", "x"],
        ["people.csv", *COLUMNS, "--consent-for", "x"],
        ["people.csv", *COLUMNS, "--encoding", "utf-16"],
        ["people.csv", *COLUMNS, "--delimiter", "ab"],
        ["people.csv", *COLUMNS, "--delimiter", ""],
        ["people.csv", *COLUMNS, "--delimiter", "\n"],
        *(["people.csv", *COLUMNS, "--delimiter", each] for each in "aZ09_'`\"é"),
        ["people.csv", *COLUMNS, "--encoding", "iso2022_jp"],
        ["people.csv", *COLUMNS, "--tenan", "x"],
        ["people.csv", *COLUMNS, "--batch-size", "101"],
        ["people.csv", *COLUMNS, "--concurrency", "0"],
        ["people.csv", *COLUMNS, "--profile", "prod"],
        ["people.csv", *COLUMNS, "--number-region", "GB"],
    ],
)
def test_wrong_usage(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_is_refused_and_left_alone(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    write_csv(tmp_path / "people.csv", 3)
    (tmp_path / "people.tokens.csv").write_text("mine")
    result = run(tmp_path / "people.csv", *COLUMNS)
    assert result.exit_code == 1
    assert "exists, and not from an import" in result.err
    assert (tmp_path / "people.tokens.csv").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["people.csv", "people.tokens.csv"]


def test_the_input_is_no_output(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    write_csv(tmp_path / "people.csv", 3)
    before = (tmp_path / "people.csv").read_bytes()
    assert run(tmp_path / "people.csv", *COLUMNS, "--output", tmp_path / "people.csv").exit_code == 1
    assert (tmp_path / "people.csv").read_bytes() == before


def test_a_complete_import_is_not_done_twice(cloud: LocalCloud, tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", 10)
    first = run(tmp_path / "people.csv", *COLUMNS, "--tenant", "twice", "--json").report
    calls = len(cloud.calls)
    second = run(tmp_path / "people.csv", *COLUMNS, "--tenant", "twice", "--json").report
    assert len(cloud.calls) == calls
    assert (second["rows"], second["created"], second["rows_now"]) == (first["rows"], first["created"], 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [("input", "people.csv has changed"), ("options", "other options"), ("vault", "another vault")],
)
def test_an_import_is_continued_with_the_same_things_only(
    change: str, why: str, cloud: LocalCloud, tmp_path: Path
) -> None:
    del cloud
    write_csv(tmp_path / "people.csv", 10)
    assert run(tmp_path / "people.csv", *COLUMNS, "--tenant", "same", "--stack-name", "phone-vault").exit_code == 0
    if change == "input":
        with (tmp_path / "people.csv").open("a") as file:
            file.write(f"x,{NUMBER},GB,c-11\n")
    tenant = "other" if change == "options" else "same"
    stack = ["--stack-name", "phone-vault"] if change != "vault" else []
    result = run(tmp_path / "people.csv", *COLUMNS, "--tenant", tenant, *stack)
    assert result.exit_code == 1
    assert why in result.err


class Command:
    """The command in processes of its own, on the open cloud by Lambda's API over loopback."""

    def __init__(self, folder: Path, endpoint: str, *options: str) -> None:
        self.folder = folder
        self.journal = folder / "people.tokens.csv.journal"
        self._processes: list[subprocess.Popen[str]] = []
        self.options = [*COLUMNS, "--stack-name", "phone-vault", "--endpoint-url", endpoint, *options]

    def start(self, most_bytes: int | None = None) -> "subprocess.Popen[str]":
        """`most_bytes`: files cannot grow beyond, as on a full disk."""

        def prepared() -> None:
            # Whoever runs the tests in the background has it ignored, and children inherit that.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if most_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

        environment = without_aws_settings() | {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "AWS_ACCESS_KEY_ID": "AKIAUNRESTRICTED0000",
            "AWS_SECRET_ACCESS_KEY": "unrestricted",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "PYTHONDONTWRITEBYTECODE": "1",  # or a full disk cuts off what others then import
        }
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "import", "people.csv", "--json", *self.options],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepared,
        )
        self._processes.append(process)
        return process

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def rows(self) -> int:
        """Committed so far."""
        try:
            said = latest(self.journal.read_bytes())
        except FileNotFoundError:
            return 0
        return said[1].progress.counts.rows if said else 0


@pytest.fixture(scope="module")
def endpoint(cloud: LocalCloud) -> Iterator[str]:
    with served(cloud) as variables:
        yield variables["AWS_ENDPOINT_URL"]


@pytest.fixture(scope="module")
def undisturbed(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an import of so many rows has gone through at once."""
    del cloud
    folder = tmp_path_factory.mktemp("undisturbed")
    write_csv(folder / "people.csv", INTERRUPTED_ROWS)
    assert run(folder / "people.csv", *COLUMNS, "--tenant", "undisturbed").exit_code == 0
    return folder


@pytest.mark.parametrize(("tenant", "seed"), [("killed", 0), ("blind-killed", 1)])
def test_killed_at_any_moment_it_goes_on_without_duplicate_and_without_gap(
    tenant: str, seed: int, cloud: LocalCloud, endpoint: str, undisturbed: Path, tmp_path: Path
) -> None:
    with Command(tmp_path, endpoint, "--tenant", tenant, "--batch-size", "10", "--concurrency", "3") as command:
        killed_again_and_again(command, tenant, seed, cloud, undisturbed)


def killed_again_and_again(command: Command, tenant: str, seed: int, cloud: LocalCloud, undisturbed: Path) -> None:
    rows, chance, tmp_path = INTERRUPTED_ROWS, random.Random(seed), command.folder
    write_csv(tmp_path / "people.csv", rows)
    kills = 0
    while True:
        process = command.start()
        goal = command.rows() + chance.randrange(1, 40)
        while process.poll() is None and command.rows() < goal:
            time.sleep(0.005)
        time.sleep(chance.random() / 10)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert kills >= 2
    output, rejects = tmp_path / "people.tokens.csv", tmp_path / "people.rejects.csv"
    assert json.loads(out)["rows"] == rows
    assert TOKEN.sub(b"T", output.read_bytes()) == TOKEN.sub(b"T", (undisturbed / output.name).read_bytes())
    assert rejects.read_bytes() == (undisturbed / rejects.name).read_bytes()
    require_everything_imported(cloud, tenant, output, rejects, rows)


def test_a_full_disk_is_told_and_the_import_goes_on_when_there_is_room(
    cloud: LocalCloud, endpoint: str, tmp_path: Path
) -> None:
    write_csv(tmp_path / "people.csv", 300)
    with Command(tmp_path, endpoint, "--tenant", "full", "--batch-size", "50") as command:
        process = command.start(most_bytes=9_000)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "cannot write: File too large" in err
        assert json.loads(out)["ok"] is False
        assert 0 < command.rows() < 300
        process = command.start()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert json.loads(out)["resumed_at_line"] > 1
    output, rejects = tmp_path / "people.tokens.csv", tmp_path / "people.rejects.csv"
    require_everything_imported(cloud, "full", output, rejects, 300)


def test_interrupted_from_the_keyboard_it_says_how_to_go_on(cloud: LocalCloud, endpoint: str, tmp_path: Path) -> None:
    del cloud
    write_csv(tmp_path / "people.csv", 2_000)
    with Command(tmp_path, endpoint, "--tenant", "interrupted", "--batch-size", "10") as command:
        process = command.start()
        while command.rows() == 0 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted. Start the same command again, and it goes on." in err
    assert "Traceback" not in err


def test_a_stack_is_asked_by_lambda_invocations(cloud: LocalCloud, tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", 150)
    arguments = ("--tenant", "stack", "--stack-name", "phone-vault", "--batch-size", "20", "--concurrency", "3")
    result = run(tmp_path / "people.csv", *COLUMNS, *arguments, "--json")
    assert result.exit_code == 0, result
    output, rejects = tmp_path / "people.tokens.csv", tmp_path / "people.rejects.csv"
    require_everything_imported(cloud, "stack", output, rejects, 150)


def test_a_stack_that_is_not_there_is_a_problem(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    write_csv(tmp_path / "people.csv", 3)
    result = run(tmp_path / "people.csv", *COLUMNS, "--stack-name", "no-such")
    assert result.exit_code == 1
    assert "the stack no-such cannot be read" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_while_a_key_is_disabled_nothing_is_rejected_and_nothing_lost(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_vault, "_FIRST_PAUSE_SECONDS", 0.0)
    write_csv(tmp_path / "people.csv", 30)
    key = cloud.outputs["KekId"]
    cloud.client("kms").disable_key(KeyId=key)
    cloud.restart()
    try:
        result = run(tmp_path / "people.csv", *COLUMNS, "--tenant", "disabled", "--batch-size", "10")
        assert result.exit_code == 1
        assert "cannot take any more just now" in result.err
    finally:
        cloud.client("kms").enable_key(KeyId=key)
    assert run(tmp_path / "people.csv", *COLUMNS, "--tenant", "disabled", "--batch-size", "10").exit_code == 0
    assert len(tokens_of(tmp_path / "people.tokens.csv")) == 30


def test_a_tab_may_be_called_by_its_name(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    path = tmp_path / "people.csv"
    path.write_text(f"number\tcountry\tcustomer\n{NUMBER}\tGB\tc-1\n")
    assert run(path, *COLUMNS, "--tenant", "tab", "--delimiter", "tab").exit_code == 0
    assert TOKEN.sub(b"T", (tmp_path / "people.tokens.csv").read_bytes()).endswith(b"\nT\tGB\tc-1\n")


def test_a_name_beside_the_journal_is_nobodys_to_take(cloud: LocalCloud, tmp_path: Path) -> None:
    """Once a journal was written there first, over whatever it was, the input included."""
    del cloud
    path = tmp_path / "people.tokens.csv.journal.next"
    write_csv(path, 10)
    before = path.read_bytes()
    output = ("--output", tmp_path / "people.tokens.csv", "--rejects", tmp_path / "rejects.csv")
    assert run(path, *COLUMNS, "--tenant", "beside", "--format", "csv", *output).exit_code == 0
    assert path.read_bytes() == before


def test_an_encoding_with_a_byte_order_mark_puts_none_into_the_rows(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    path = tmp_path / "people.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"number": "+447400123456", "country": "GB", "customer": "c-1"}\n')
    assert run(path, *COLUMNS, "--tenant", "marked", "--encoding", "utf-8-sig").exit_code == 0
    output = (tmp_path / "people.tokens.jsonl").read_bytes()
    assert TOKEN.sub(b"T", output) == b'\xef\xbb\xbf{"number": "T", "country": "GB", "customer": "c-1"}\n'


def test_rows_of_many_long_consents_are_asked_for_in_requests_that_lambda_takes(
    cloud: LocalCloud, tmp_path: Path
) -> None:
    path = tmp_path / "people.jsonl"
    row = {
        "number": NUMBER,
        "purposes": [f"purpose_{number}" for number in range(50)],
        "at": "2025-12-01T00:00:00Z",
        "proof": "\U0001f4de" * 500,
    }
    with path.open("w") as lines:
        lines.writelines(f"{json.dumps(row | {'customer': f'c-{number}'})}\n" for number in range(60))
    arguments = ["--number-column", "number", "--subject-column", "customer", "--purpose-column", "purposes"]
    arguments += ["--consent-given-at-column", "at", "--consent-evidence-column", "proof", "--tenant", "large"]
    calls = len(cloud.calls)
    assert run(path, *arguments, "--json").report["reasons"] == {"purpose-not-registered": 60}
    assert len(cloud.calls) - calls >= 15  # of 300 KB each row: a hundred at once would be 18 MB


def test_the_same_row_twice_is_two_rows_where_there_is_no_index(cloud: LocalCloud, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"number,country,customer\n{NUMBER},GB,c-1\n{NUMBER},GB,c-1\n")
    assert run(path, *COLUMNS, "--tenant", "blind", "--json").report["created"] == 2
    assert len(subjects(cloud, "blind")) == 2


def test_an_answer_that_was_lost_at_the_very_start_stores_nothing_twice_without_an_index(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phone_vault.adapters.invocations import LambdaInvocations, Unanswered

    invoke = LambdaInvocations.invoke

    def lost(self: LambdaInvocations, payload: Any) -> Any:
        invoke(self, payload)
        raise Unanswered("the answer was lost")

    monkeypatch.setattr(patient_vault, "_FIRST_PAUSE_SECONDS", 0.0)
    write_csv(tmp_path / "people.csv", 20)
    arguments = [str(tmp_path / "people.csv"), *COLUMNS, "--tenant", "blind-lost", "--stack-name", "phone-vault"]
    with monkeypatch.context() as patch:
        patch.setattr(LambdaInvocations, "invoke", lost)
        assert run(*arguments).exit_code == 1
    assert run(*arguments).exit_code == 0
    output, rejects = tmp_path / "people.tokens.csv", tmp_path / "people.rejects.csv"
    require_everything_imported(cloud, "blind-lost", output, rejects, 20)


def test_a_problem_and_wrong_usage_are_told_to_machines(cloud: LocalCloud, tmp_path: Path) -> None:
    del cloud
    for name in ("none.csv", "none.txt"):
        result = run(tmp_path / name, *COLUMNS, "--json")
        assert result.report["ok"] is False
        assert result.report["problem"] in result.err
