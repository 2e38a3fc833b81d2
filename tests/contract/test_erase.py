"""Erase: what it destroys, what it proves, and what a hold makes of it."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.crypto.receipts import checked
from phone_vault.domain.receipts import names_token
from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.vault import Vault, problem

SUBJECT = "subject-a"
WHY = {"reason": "asked for by letter"}
CASE = "case 7/2026"
CANONICAL = "+447400123456"
SWEPT = {"record_id", "subject_ref", "revision", "erased_at", "expires_ttl", "swept"}


def erase(vault: Vault, tenant: str, **whom: str) -> Any:
    return vault.invoke("Erase", {"tenant_id": tenant, **whom, **WHY})


def hold(vault: Vault, tenant: str, action: str, **whom: str) -> Any:
    reason = WHY if action == "place" else {}
    return vault.invoke("Hold", {"tenant_id": tenant, **whom, "action": action, "case_id": CASE, **reason})


def public_key(vault: Vault) -> bytes:
    return bytes(vault.kms.get_public_key(KeyId=vault.cloud.outputs["ReceiptKeyId"])["PublicKey"])


def test_nothing_of_an_erased_number_is_left_but_a_tombstone(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    (entry,) = vault.rows("LookupIndex", f"{tenant}#")
    answer = erase(vault, tenant, token=token)
    assert (answer["erased"], answer["message_keys"], answer["blocked"]) == (1, 0, [])
    for table in ("Numbers", "LookupIndex", "Subjects"):
        assert vault.rows(table, f"{tenant}#") == []
    (row,) = vault.rows("RecordKeys", f"{tenant}#")
    assert row.keys() == SWEPT
    left = json.dumps([vault.rows(table) for table in ("RecordKeys", "Subjects", "Operations")], default=repr)
    assert entry["index_position"]["S"].rpartition("#")[2] not in left


def test_readers_are_told_that_it_was_erased_as_long_as_the_tombstone_speaks(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    erase(vault, tenant, subject_id=SUBJECT)
    assert problem(vault.reveal(tenant, token)) == "erased"
    assert problem(vault.verify(tenant, token)) == "erased"
    assert vault.lookup(tenant) == {"matches": []}
    vault.clock.advance(days=90)
    assert problem(vault.reveal(tenant, token)) == "not-found"


def test_a_subjects_numbers_and_message_keys_go_together(vault: Vault, tenant: str) -> None:
    tokens = [vault.protect(tenant, number=number)["token"] for number in (BRITISH, AMERICAN)]
    other = vault.protect(tenant, "subject-b")["token"]
    message = encrypt(vault, tenant, SUBJECT)["message"]
    answer = erase(vault, tenant, subject_id=SUBJECT)
    receipt = checked(json.dumps(answer["receipt"]).encode(), public_key(vault))
    assert (receipt["kind"], receipt["erased"], receipt["message_keys"]) == ("erasure", 2, 1)
    assert receipt["by_purpose"] == {"account_security": 2}
    assert all(names_token(receipt, token) for token in tokens)
    assert not names_token(receipt, other)
    assert problem(decrypt(vault, tenant, message, SUBJECT)) == "erased"
    assert "number" in vault.reveal(tenant, other)


def test_the_number_may_be_stored_again_under_another_token(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    erase(vault, tenant, subject_id=SUBJECT)
    again = vault.protect(tenant)
    assert (again["created"], again["token"] != token) == (True, True)
    assert vault.reveal(tenant, again["token"])["number"] == CANONICAL


def test_a_message_key_made_anew_is_of_the_next_generation(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant, SUBJECT)["message"]
    erase(vault, tenant, subject_id=SUBJECT)
    newer = encrypt(vault, tenant, SUBJECT)["message"]
    assert "number" in decrypt(vault, tenant, newer, SUBJECT)
    assert problem(decrypt(vault, tenant, message, SUBJECT)) == "purpose-not-permitted"
    assert erase(vault, tenant, subject_id=SUBJECT)["message_keys"] == 1


def test_once_erased_a_further_erase_erases_nothing(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    erase(vault, tenant, subject_id=SUBJECT)
    assert erase(vault, tenant, subject_id=SUBJECT)["erased"] == 0
    assert erase(vault, tenant, token=token)["erased"] == 0


def test_whoever_never_stored_anything_is_an_empty_success(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    answer = erase(vault, tenant, subject_id="subject-z")
    assert (answer["erased"], answer["message_keys"], answer["blocked"]) == (0, 0, [])


def test_a_hold_blocks_and_its_release_finishes(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    hold(vault, tenant, "place", subject_id=SUBJECT)
    answer = erase(vault, tenant, subject_id=SUBJECT)
    assert answer["blocked"] == answer["receipt"]["blocked"] == [{"token": token, "reason": "under-legal-hold"}]
    assert problem(vault.reveal(tenant, token)) == "erased"
    assert vault.reveal(tenant, token, "legal_hold", reason=CASE)["number"] == CANONICAL
    assert problem(vault.protect(tenant)) == "conflict"
    assert erase(vault, tenant, subject_id=SUBJECT)["receipt"] == answer["receipt"]
    released = hold(vault, tenant, "release", subject_id=SUBJECT)
    assert (released["updated"], [each["erased"] for each in released["receipts"]]) == ([token], [1])
    assert vault.rows("Numbers", f"{tenant}#") == []
    assert vault.protect(tenant)["created"]


def test_100_numbers_and_more_go_in_one_call(vault: Vault, tenant: str) -> None:
    for at in (0, 60):
        items = [{"number": f"+44 7400 {100_000 + at + each}"} for each in range(60)]
        batch = {"tenant_id": tenant, "subject_id": SUBJECT, "purposes": {"delivery": {}}, "items": items}
        assert all("token" in each for each in vault.invoke("Protect", batch)["results"])
    answer = erase(vault, tenant, subject_id=SUBJECT)
    assert (answer["erased"], len(answer["receipt"]["leaves"])) == (120, 120)
    assert vault.rows("Numbers", f"{tenant}#") == vault.rows("LookupIndex", f"{tenant}#") == []
    assert all(row.keys() == SWEPT for row in vault.rows("RecordKeys", f"{tenant}#"))


def test_a_further_number_costs_four_requests_and_eleven_write_units(vault: Vault, tenant: str) -> None:
    """Its closing shares a transaction with 49 others."""

    def cost(count: int) -> tuple[int, float]:
        for at in range(count):
            vault.protect(tenant, number=f"+44 7400 {300_000 + at}")
        before = len(vault.cloud.calls)
        assert erase(vault, tenant, subject_id=SUBJECT)["erased"] == count
        calls = vault.cloud.calls[before:]
        return len(calls), sum(call.write_units for call in calls)

    few, many = cost(5), cost(25)
    assert (many[0] - few[0]) / 20 <= 4
    assert 10.9 <= (many[1] - few[1]) / 20 <= 11.5


def test_two_erases_of_a_subject_at_once_end_as_one(vault: Vault, tenant: str) -> None:
    for number in (BRITISH, AMERICAN):
        vault.protect(tenant, number=number)
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(erase(vault, tenant, subject_id=SUBJECT))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each["erased"] for each in answers) in ([2, 2], [0, 2])
    assert all(row.keys() == SWEPT for row in vault.rows("RecordKeys", f"{tenant}#"))
    assert vault.protect(tenant)["created"]


def test_numbers_stored_while_the_subject_is_erased_are_erased_or_refused_or_later(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    items = [{"number": f"+44 7400 {200_000 + each}"} for each in range(30)]
    batch = {"tenant_id": tenant, "subject_id": SUBJECT, "purposes": {"account_security": {}}, "items": items}
    results: list[Any] = []
    storing = threading.Thread(target=lambda: results.extend(vault.invoke("Protect", batch)["results"]))
    storing.start()
    erased = erase(vault, tenant, subject_id=SUBJECT)["erased"]
    storing.join()
    tokens = [each["token"] for each in results if "token" in each]
    assert {problem(each) for each in results if "token" not in each} <= {"conflict", "store-unavailable"}
    found = [problem(vault.reveal(tenant, token)) for token in tokens]
    assert set(found) <= {"erased", None}
    assert found.count("erased") == erased - 1


def test_the_receipt_of_the_answer_is_verified_from_the_command_line(
    vault: Vault, tenant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = vault.protect(tenant)["token"]
    answer, key = tmp_path / "answer.json", tmp_path / "key.der"
    answer.write_text(json.dumps(erase(vault, tenant, token=token)))
    key.write_bytes(public_key(vault))
    assert main(["verify", "receipt", str(answer), "--public-key", str(key), "--token", token]) == 0
    assert "The token is among what was destroyed." in capsys.readouterr().out


def test_a_caller_without_the_right_is_refused_and_the_trail_tells(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        answer = vault.invoke("Erase", {"tenant_id": tenant, "token": token, **WHY}, alias="billing")
    assert problem(answer) == "principal-not-permitted"
    assert [(each["outcome"], each["problem"]) for each in entries] == [("refused", "principal-not-permitted")]
    assert "number" in vault.reveal(tenant, token)


def test_the_trail_tells_what_was_erased_and_is_whole(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    with vault.audited() as entries:
        erase(vault, tenant, subject_id=SUBJECT)
    assert [each["outcome"] for each in entries] == ["erasing", "shredding", "erased", "erasure-ended"]
    assert [each.get("token") for each in entries] == [None, [token], None, None]
    assert not vault.broken_entries()


def test_over_a_batch_erase_takes_no_items(vault: Vault, tenant: str) -> None:
    answer = vault.invoke("Erase", {"tenant_id": tenant, "items": [{"subject_id": SUBJECT}], **WHY})
    assert problem(answer) == "invalid-request"
