import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from phone_vault.crypto.receipts import Flaw, ReceiptRefused, UnusableKey, checked, salted
from phone_vault.domain.receipts import SIGNED, fingerprint_of, id_of
from tests.fake_signer import MemorySigner
from tests.unit.receipts import PURGED, TOKENS, file_of, receipt_of

SIGNER = MemorySigner()
KEY = SIGNER.public_key()
RECEIPT = receipt_of(PURGED, SIGNER)


def flaw_of(text: bytes, public_key: bytes = KEY) -> Flaw:
    with pytest.raises(ReceiptRefused) as refused:
        checked(text, public_key)
    assert not [token for token in TOKENS if token in str(refused.value)]
    return refused.value.flaw


def edited(**changes: Any) -> bytes:
    return file_of({**RECEIPT, **changes})


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_receipt_is_checked_by_file_and_public_key_alone(encoding: Encoding) -> None:
    assert checked(file_of(RECEIPT), SIGNER.public_key_as(encoding)) == RECEIPT


def test_a_receipt_may_be_formatted_anew() -> None:
    text = json.dumps(dict(reversed(RECEIPT.items())), ensure_ascii=False, separators=(",", ":"))
    assert checked(text.encode(), KEY) == RECEIPT


def test_a_receipt_may_be_kept_without_its_leaves() -> None:
    without = {name: value for name, value in RECEIPT.items() if name != "leaves"}
    assert checked(file_of(without), KEY) == without


def test_blocked_records_may_be_added_or_taken_out() -> None:
    checked(edited(blocked=[{"token": TOKENS[0], "reason": "under-legal-hold"}]), KEY)
    checked(file_of({name: value for name, value in RECEIPT.items() if name != "blocked"}), KEY)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "rcpt_" + "0" * 32),
        ("kind", "erasure"),
        ("tenant_id", "acme"),
        ("reason", None),
        ("at", "2025-01-01T00:00:00Z"),
        ("policy", "cd" * 32),
        ("counts", {"stored_numbers": 4, "message_keys": 1}),
        ("counts", {"stored_numbers": 3.0, "message_keys": 1}),
        ("counts", {"stored_numbers": 3, "message_keys": True}),
        ("by_purpose", {}),
        ("tokens", {"root": "00" * 32, "count": 3}),
        ("final_at", "2026-01-01T00:00:00Z"),
        ("excludes", []),
        ("added", "field"),
    ],
)
def test_an_edited_receipt_is_refused_as_edited(field: str, value: object) -> None:
    assert flaw_of(edited(**{field: value})) is Flaw.EDITED


def test_an_edited_receipt_with_an_id_to_fit_is_refused_as_forged() -> None:
    content = {**RECEIPT, "final_at": "2026-01-01T00:00:00Z"}
    assert flaw_of(file_of({**content, "id": id_of(content)})) is Flaw.FORGED


def test_a_receipt_signed_by_another_key_in_this_ones_name_is_forged() -> None:
    forged = {**receipt_of(PURGED, MemorySigner()), "fingerprint": fingerprint_of(KEY)}
    assert flaw_of(file_of(forged)) is Flaw.FORGED


def test_another_receipts_signature_is_forged() -> None:
    other = receipt_of(PURGED, SIGNER)
    unlike = {**other, "reason": "another"}
    assert flaw_of(file_of({**unlike, "id": id_of(unlike)})) is Flaw.FORGED


def test_a_receipt_of_another_key_is_told_from_a_forged_one() -> None:
    assert flaw_of(file_of(receipt_of(PURGED, MemorySigner()))) is Flaw.OTHER_KEY


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_a_receipt_that_is_cut_is_refused_as_cut(share: int) -> None:
    text = file_of(RECEIPT)
    assert flaw_of(text[: len(text) * share // 100]) is Flaw.CUT


@pytest.mark.parametrize("field", sorted({*SIGNED, "signature", "fingerprint"}))
def test_a_receipt_without_one_of_its_fields_is_cut(field: str) -> None:
    assert flaw_of(file_of({name: value for name, value in RECEIPT.items() if name != field})) is Flaw.CUT


@pytest.mark.parametrize("text", [b"[]", b'"rcpt"', b"null", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_what_is_no_receipt_is_refused(text: bytes) -> None:
    assert flaw_of(text) is Flaw.CUT


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64", None, 1, ["AAAA"]])
def test_a_signature_that_is_none_is_refused(signature: object) -> None:
    assert flaw_of(edited(signature=signature)) in (Flaw.CUT, Flaw.FORGED)


def test_a_field_that_stands_there_twice_is_refused() -> None:
    text = file_of(RECEIPT).replace(b'"kind": "purge"', b'"kind": "erasure", "kind": "purge"')
    assert flaw_of(text) is Flaw.EDITED


def test_leaves_that_are_missing_are_noticed() -> None:
    assert flaw_of(edited(leaves=RECEIPT["leaves"][:-1])) is Flaw.CUT


@pytest.mark.parametrize(
    "leaves",
    [
        RECEIPT["leaves"][::-1],
        [*RECEIPT["leaves"][:-1], {"salt": "00" * 16, "hash": "00" * 32}],
        [*RECEIPT["leaves"], RECEIPT["leaves"][-1]],
        [{"salt": "", "hash": "x"}] * 3,
        ["leaf"] * 3,
        None,
        3,
    ],
)
def test_leaves_that_were_changed_are_noticed(leaves: object) -> None:
    assert flaw_of(edited(leaves=leaves)) is Flaw.EDITED


def test_a_leaf_whose_salt_was_changed_is_noticed() -> None:
    """Its hash still stands in the root, but nobody could show any more that his token is the one."""
    leaves = [{**RECEIPT["leaves"][0], "salt": "00" * 16}, *RECEIPT["leaves"][1:]]
    assert flaw_of(edited(leaves=leaves)) is Flaw.EDITED


def test_leaves_whose_bounds_were_moved_are_noticed() -> None:
    """A root over two hashes is one over their bytes, wherever somebody says that the one ends."""
    two = receipt_of(replace(PURGED, tokens=PURGED.tokens[:2]), SIGNER)
    hashes = "".join(leaf["hash"] for leaf in two["leaves"])
    salts = "".join(leaf["salt"] for leaf in two["leaves"])
    moved = [{"salt": salts[:30], "hash": hashes[:62]}, {"salt": salts[30:], "hash": hashes[62:]}]
    assert flaw_of(file_of({**two, "leaves": moved})) is Flaw.EDITED


@pytest.mark.parametrize("field", ["added", "reason", "blocked", "leaves", "id", "signature", "\ud800"])
def test_text_that_is_not_unicode_is_refused(field: str) -> None:
    assert flaw_of(file_of({**RECEIPT, field: "\ud800"})) in (Flaw.EDITED, Flaw.CUT)


@pytest.mark.parametrize(
    "public_key",
    [
        b"",
        b"-----BEGIN PUBLIC KEY-----\n",
        KEY[:-1],
        ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["nothing", "half a PEM", "half a DER", "another curve", "RSA"],
)
def test_what_is_no_key_of_receipts_is_no_key(public_key: bytes) -> None:
    with pytest.raises(UnusableKey):
        checked(file_of(RECEIPT), public_key)


def test_every_token_gets_a_salt_of_its_own() -> None:
    leaves = salted([TOKENS[0]] * 100)
    assert len({leaf.salt for leaf in leaves}) == len({leaf.hash for leaf in leaves}) == 100
    assert {len(leaf.salt) for leaf in leaves} == {16}
