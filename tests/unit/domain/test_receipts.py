import hashlib
import json
from dataclasses import replace

from phone_vault.domain import merkle
from phone_vault.domain.receipts import (
    EXCLUDES,
    SIGNED,
    UNSIGNED,
    Destroyed,
    SaltedToken,
    id_of,
    leaves_of,
    names_token,
    signed_bytes,
)
from tests.fake_signer import MemorySigner
from tests.unit.receipts import PURGED, TOKENS, receipt_of


def test_a_receipt_has_the_fields_of_the_contract() -> None:
    receipt = receipt_of(PURGED, MemorySigner())
    assert receipt.keys() == SIGNED | UNSIGNED
    assert {name: receipt[name] for name in ("kind", "at", "final_at", "policy", "counts", "by_purpose")} == {
        "kind": "purge",
        "at": "2026-01-01T00:00:00Z",
        "final_at": "2026-01-08T00:00:00Z",
        "policy": "ab" * 32,
        "counts": {"stored_numbers": 3, "message_keys": 1},
        "by_purpose": {"account_security": 3, "marketing_sms": 1},
    }
    assert (receipt["reason"], receipt["tenant_id"], receipt["blocked"]) == (PURGED.reason, None, [])


def test_a_receipt_says_what_it_does_not_speak_for() -> None:
    assert PURGED.unsigned()["excludes"] == list(EXCLUDES) == ["on-demand backups", "exports", "replicas"]


def test_signed_is_everything_but_what_the_contract_leaves_out_in_one_form() -> None:
    receipt = receipt_of(PURGED, MemorySigner())
    text = signed_bytes(receipt)
    assert json.loads(text).keys() == SIGNED
    assert text == signed_bytes(dict(reversed(receipt.items())))
    assert b": " not in text
    assert "überall".encode() in text


def test_what_a_receipt_may_say_some_day_is_signed_too() -> None:
    receipt = receipt_of(PURGED, MemorySigner())
    assert signed_bytes({**receipt, "something": "new"}) != signed_bytes(receipt)


def test_blocked_records_are_not_signed() -> None:
    receipt = receipt_of(PURGED, MemorySigner())
    blocked = [{"token": TOKENS[0], "reason": "under-legal-hold"}]
    assert signed_bytes({**receipt, "blocked": blocked}) == signed_bytes(receipt)


def test_the_id_is_made_of_what_the_receipt_says() -> None:
    receipt = PURGED.unsigned()
    assert receipt["id"] == id_of(receipt)
    assert receipt["id"] == PURGED.unsigned()["id"]
    assert receipt["id"] != replace(PURGED, reason="another").unsigned()["id"]
    assert receipt["id"].startswith("rcpt_")


def test_a_receipt_names_its_tokens_to_those_who_know_them() -> None:
    receipt = PURGED.unsigned()
    assert all(names_token(receipt, token) for token in TOKENS)
    assert not names_token(receipt, "tok_3123456789abcdefghij")


def test_no_token_stands_in_a_receipt() -> None:
    text = json.dumps(receipt_of(PURGED, MemorySigner()))
    assert not [token for token in TOKENS if token in text]
    assert "tok_" not in text


def test_two_receipts_of_one_token_have_nothing_alike() -> None:
    one, other = (SaltedToken.of(TOKENS[0], bytes([each] * 16)) for each in (1, 2))
    assert one.hash != other.hash
    assert one.is_of(TOKENS[0])
    assert not one.is_of(TOKENS[1])


def test_the_order_of_the_leaves_tells_nothing_and_the_root_is_of_them() -> None:
    receipt = PURGED.unsigned()
    leaves = leaves_of(receipt)
    hashes = [leaf.hash for leaf in leaves]
    assert hashes == sorted(hashes)
    salts = hashlib.sha256(b"".join(leaf.salt for leaf in leaves)).hexdigest()
    assert receipt["tokens"] == {"root": merkle.root(hashes).hex(), "salts": salts, "count": 3}
    assert replace(PURGED, tokens=PURGED.tokens[::-1]).unsigned() == receipt


def test_a_receipt_without_tokens_has_the_root_of_nothing() -> None:
    empty: Destroyed = replace(PURGED, tokens=())
    assert empty.unsigned()["tokens"] == {
        "root": merkle.root([]).hex(),
        "salts": hashlib.sha256().hexdigest(),
        "count": 0,
    }
    assert not names_token(empty.unsigned(), TOKENS[0])
