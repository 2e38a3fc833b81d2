"""Keyed digests, each use under a label of its own."""

import base64
import hashlib
import hmac
import itertools

import pytest

from phone_vault.crypto import macs
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.secret import SecretKey
from tests.unit.samples import AMERICAN, BRITISH

MATERIAL = bytes(range(32))
KEY = SecretKey(MATERIAL)


def prefixed(*parts: bytes) -> bytes:
    """Written out without the code under test: four bytes of length before each part."""
    return b"".join(bytes([0, 0, len(part) // 256, len(part) % 256]) + part for part in parts)


def independent(*parts: bytes) -> bytes:
    """RFC 2104 by the standard library's object interface."""
    return hmac.new(MATERIAL, prefixed(*parts), hashlib.sha256).digest()


def test_the_blind_index_has_its_known_answer() -> None:
    assert macs.blind_index(KEY, "acme", BRITISH) == independent(b"blind-index", b"acme", b"+447400123456")


def test_the_index_binding_has_its_known_answer() -> None:
    bound = macs.index_binding(KEY, "acme", "tok_a", "cust-1", "ref", b"position")
    assert bound == independent(b"index-binding", b"acme", b"tok_a", b"cust-1", b"ref", b"position")


def test_the_subject_ref_has_its_known_answer() -> None:
    digest = independent(b"subject-ref", b"acme", b"cust-1")
    assert macs.subject_ref(KEY, "acme", "cust-1") == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_the_digest_of_an_idempotency_key_has_its_known_answer() -> None:
    assert macs.idempotency(KEY, "acme", "cust-1", "row-7") == independent(b"idempotency", b"acme", b"cust-1", b"row-7")


def test_the_audit_mac_has_its_known_answer() -> None:
    assert macs.audit_mac(KEY, b"entry") == independent(b"audit-entry", b"entry")


def test_a_mac_is_hmac_sha_256_by_its_definition() -> None:
    inner = hashlib.sha256(bytes(a ^ 0x36 for a in MATERIAL.ljust(64, b"\0")) + prefixed(b"label", b"part")).digest()
    outer = hashlib.sha256(bytes(a ^ 0x5C for a in MATERIAL.ljust(64, b"\0")) + inner).digest()
    assert macs.mac(KEY, "label", b"part") == outer


def test_the_label_keeps_uses_apart() -> None:
    assert macs.mac(KEY, "one", b"part") != macs.mac(KEY, "other", b"part")


def test_all_uses_of_the_same_input_differ() -> None:
    text = BRITISH.disclose()
    digests = [
        macs.blind_index(KEY, "acme", BRITISH),
        macs.mac(KEY, "subject-ref", b"acme", text.encode()),
        macs.mac(KEY, "index-binding", b"acme", text.encode()),
        macs.mac(KEY, "audit-entry", b"acme", text.encode()),
    ]
    assert not any(macs.equal(one, other) for one, other in itertools.combinations(digests, 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [((b"ab", b"c"), (b"a", b"bc")), ((b"abc",), (b"abc", b"")), ((b"", b"abc"), (b"abc", b"")), ((), (b"",))],
    ids=["boundary-moved", "empty-end", "empty-side", "none-and-empty"],
)
def test_parts_do_not_run_together(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> None:
    assert macs.mac(KEY, "label", *one) != macs.mac(KEY, "label", *other)


def test_the_label_does_not_run_into_the_parts() -> None:
    assert macs.mac(KEY, "label", b"x") != macs.mac(KEY, "labelx")


def test_another_tenant_has_another_index_under_the_same_key() -> None:
    assert macs.blind_index(KEY, "acme", BRITISH) != macs.blind_index(KEY, "other", BRITISH)


def test_another_key_has_another_index() -> None:
    assert macs.blind_index(KEY, "acme", BRITISH) != macs.blind_index(SecretKey(bytes(32)), "acme", BRITISH)


def test_equal_numbers_have_equal_indexes() -> None:
    assert macs.blind_index(KEY, "acme", BRITISH) == macs.blind_index(KEY, "acme", PhoneNumber("44", "7400123456"))


def test_other_numbers_have_other_indexes() -> None:
    assert macs.blind_index(KEY, "acme", BRITISH) != macs.blind_index(KEY, "acme", AMERICAN)


def test_a_subject_ref_has_43_characters_of_base64url() -> None:
    reference = macs.subject_ref(KEY, "acme", "cust-1")
    assert len(reference) == 43
    assert set(reference) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
