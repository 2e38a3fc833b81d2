"""`phone-vault erase` and `hold`: what a privacy team sees of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.contract.vaults import POLICY

Output = pytest.CaptureFixture[str]
NUMBERS = ("+447400123456", "+447400123457")
ERASE = ("erase", "--reason", "asked for it", "--yes")
ANNA = ("--subject", "anna")
FOR_CASE = ("--case", "case-1")
PLACE = ("hold", "place", "--reason", "court", *FOR_CASE)
RELEASE = ("hold", "release", *FOR_CASE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where receipts are written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture(scope="module")
def opened() -> Iterator[LocalCloud]:
    team = {"match": "direct:privacy", "tenants": ["*"], "functions": ["Hold"]}
    with LocalCloud({**POLICY, "principals": [*POLICY["principals"], team]}) as cloud:
        yield cloud


@pytest.fixture
def tokens(opened: LocalCloud) -> list[str]:
    """Two numbers of anna, who has a message key too, all of it anew."""
    main([*RELEASE, *ANNA, "--json"])
    main([*ERASE, *ANNA, "--json"])
    requests = [{"subject_id": "anna", "number": number, "purposes": {"security": {}}} for number in NUMBERS]
    opened.invoke("Encrypt", {"subject_id": "anna", "number": NUMBERS[0], "purpose": "security"})
    return [opened.invoke("Protect", request)["token"] for request in requests]


def told(capsys: Output, *argv: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*argv, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def text(capsys: Output, *argv: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(list(argv)) == code
    shown = capsys.readouterr()
    return shown.out + shown.err


def is_there(cloud: LocalCloud, token: str) -> bool:
    return "number" in cloud.invoke("Reveal", {"token": token, "purpose": "security"})


def key_file(cloud: LocalCloud) -> str:
    der = cloud.client("kms").get_public_key(KeyId=cloud.outputs["ReceiptKeyId"])["PublicKey"]
    Path("receipt-key.der").write_bytes(der)
    return "receipt-key.der"


# Erase.


def test_a_subject_is_erased_with_all_it_has(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    report = told(capsys, *ERASE, *ANNA)
    assert (report["ok"], report["erased"], report["message_keys"], report["blocked"]) == (True, 2, 1, [])
    assert not any(is_there(opened, token) for token in tokens)


def test_a_number_is_erased_alone(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    assert told(capsys, *ERASE, "--token", tokens[0])["erased"] == 1
    assert [is_there(opened, token) for token in tokens] == [False, True]


def test_the_receipt_is_genuine_and_names_each_token(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    receipt = told(capsys, *ERASE, *ANNA)["receipt_file"]
    for token in tokens:
        verified = told(capsys, "verify", "receipt", receipt, "--public-key", key_file(opened), "--token", token)
        assert (verified["kind"], verified["reason"], verified["token_is_among"]) == ("erasure", "asked for it", True)


def test_what_is_held_is_told_with_its_reason(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    text(capsys, *PLACE, "--token", tokens[0])
    shown = text(capsys, *ERASE, *ANNA)
    assert "erased: the keys of 1 stored number and 1 message key" in shown
    assert f"{tokens[0]}: under a legal hold" in shown
    text(capsys, *RELEASE, "--token", tokens[0])


def test_the_same_erasure_again_gives_the_same_receipt(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    text(capsys, *PLACE, *ANNA)
    first, again = told(capsys, *ERASE, *ANNA), told(capsys, *ERASE, *ANNA)
    assert first["receipt_file"] == again["receipt_file"]
    assert len(first["blocked"]) == 3
    text(capsys, *RELEASE, *ANNA)


def test_a_subject_of_which_nothing_is_stored_is_an_empty_success(opened: LocalCloud, capsys: Output) -> None:
    assert told(capsys, *ERASE, "--subject", "nobody")["erased"] == 0


def test_a_token_that_there_is_not_is_a_problem(opened: LocalCloud, capsys: Output) -> None:
    report = told(capsys, *ERASE, "--token", f"tok_{'0' * 25}", code=1)
    assert report["problem"].startswith("Erase refuses: not-found")
    assert report["answer"]["status"] == 404


def test_a_malformed_request_is_a_problem_that_says_where(opened: LocalCloud, capsys: Output) -> None:
    assert "/token" in text(capsys, *ERASE, "--token", "tok_x", code=1)


def test_nothing_is_erased_unasked(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    assert "--yes" in text(capsys, "erase", *ANNA, "--reason", "asked for it", code=2)
    assert all(is_there(opened, token) for token in tokens)


def test_nothing_is_erased_where_no_receipt_can_be_written(
    opened: LocalCloud, tokens: list[str], capsys: Output
) -> None:
    text(capsys, *ERASE, *ANNA, "--receipt", "nowhere/receipt.json", code=1)
    assert all(is_there(opened, token) for token in tokens)


def test_an_alias_that_the_policy_does_not_let_is_refused(opened: LocalCloud, capsys: Output) -> None:
    report = told(capsys, *ERASE, *ANNA, "--alias", "privacy", code=1)
    assert report["answer"]["type"] == "urn:phone-vault:problem:principal-not-permitted"


# Hold.


def test_a_hold_names_the_tokens_that_it_has_changed(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    assert sorted(told(capsys, *PLACE, *ANNA)["updated"]) == sorted(tokens)
    assert told(capsys, *PLACE, *ANNA)["updated"] == []


def test_an_alias_that_the_policy_lets_may_hold(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    assert told(capsys, *PLACE, "--token", tokens[0], "--alias", "privacy")["updated"] == tokens[:1]
    text(capsys, *RELEASE, "--token", tokens[0])


def test_a_release_writes_the_receipt_of_what_had_waited(
    opened: LocalCloud, tokens: list[str], capsys: Output, folder: Path
) -> None:
    text(capsys, *PLACE, *ANNA)
    text(capsys, *ERASE, *ANNA)
    (folder / "receipts").mkdir()
    report = told(capsys, *RELEASE, *ANNA, "--receipts", "receipts")
    (receipt,) = report["receipt_files"]
    verified = told(capsys, "verify", "receipt", receipt, "--public-key", key_file(opened), "--token", tokens[0])
    assert verified["counts"] == {"stored_numbers": 2, "message_keys": 1}


def test_a_case_without_a_hold_is_a_problem(opened: LocalCloud, tokens: list[str], capsys: Output) -> None:
    report = told(capsys, "hold", "release", "--token", tokens[0], "--case", "another", code=1)
    assert "not-found: there is no hold for this case" in report["problem"]


# What is shown.


def test_nothing_of_a_number_is_shown_and_lines_fit_a_narrow_terminal(
    opened: LocalCloud, tokens: list[str], capsys: Output
) -> None:
    commands = [[*PLACE, "--token", tokens[0]], [*ERASE, *ANNA], [*RELEASE, "--token", tokens[0]]]
    shown = "".join(text(capsys, *command) for command in commands)
    assert not re.search(r"740012|\+44", shown + "".join(path.read_text() for path in Path().glob("*.json")))
    assert [line for line in shown.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    "argv",
    [
        ["erase", *ANNA, "--yes"],
        ["erase", "--reason", "asked for it", "--yes"],
        [*ERASE, *ANNA, "--token", "tok_x"],
        ["hold"],
        ["hold", "place", *ANNA, *FOR_CASE],
        ["hold", "place", *ANNA, "--reason", "court"],
        ["hold", "keep", *ANNA, *FOR_CASE],
        [*PLACE, *ANNA, "--receipts", "."],
    ],
    ids=" ".join,
)
def test_wrong_options_are_wrong_usage(argv: list[str]) -> None:
    assert main(argv) == 2
