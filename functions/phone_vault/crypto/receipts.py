"""Checking a receipt with nothing but its file and the public key, and salting the tokens of a new one."""

import base64
import json
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from phone_vault.domain.receipts import (
    SALT_BYTES,
    SIGNED,
    SaltedToken,
    are_those_of,
    canonical,
    fingerprint_of,
    id_of,
    leaves_of,
    signed_bytes,
)

_PEM = b"-----BEGIN"


class Flaw(StrEnum):
    """What can be wrong with a receipt."""

    CUT = "cut"
    """Part of it is missing, or it is no receipt at all."""
    OTHER_KEY = "other-key"
    """It names another key than the one given."""
    EDITED = "edited"
    """It says something else than when its id was made."""
    FORGED = "forged"
    """It was not signed by the key."""


class ReceiptRefused(Exception):
    """The receipt proves nothing; the message says why, without a value of it."""

    def __init__(self, flaw: Flaw, message: str) -> None:
        super().__init__(message)
        self.flaw = flaw


class UnusableKey(Exception):
    """The file is not the public key of a vault's receipts: ECDSA, P-256, as DER or PEM."""


def salted(tokens: Iterable[str]) -> list[SaltedToken]:
    """The tokens as leaves, each under random bytes of its own."""
    return [SaltedToken.of(token, os.urandom(SALT_BYTES)) for token in tokens]


def checked(text: bytes, public_key: bytes) -> dict[str, Any]:
    """The receipt; `ReceiptRefused` unless it is whole, unchanged and signed by this key. `UnusableKey`."""
    key = _loaded(public_key)
    receipt = _read(text)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if receipt["fingerprint"] != fingerprint_of(der):
        raise ReceiptRefused(Flaw.OTHER_KEY, "the receipt was signed by another key than this one, or says so")
    try:
        key.verify(_signature_in(receipt), signed_bytes(receipt), ec.ECDSA(SHA256()))
    except InvalidSignature:
        if receipt["id"] != id_of(receipt):
            raise ReceiptRefused(
                Flaw.EDITED, "the receipt was changed after it was made: its id is that of another text"
            ) from None
        raise ReceiptRefused(Flaw.FORGED, "the receipt's signature is not this key's") from None
    _check_leaves(receipt)
    return receipt


def _loaded(public_key: bytes) -> ec.EllipticCurvePublicKey:
    try:
        load = load_pem_public_key if public_key.lstrip().startswith(_PEM) else load_der_public_key
        key = load(public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("not a public key, neither as DER nor as PEM") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UnusableKey("not a key of receipts, which are signed by ECDSA over P-256")
    return key


def _read(text: bytes) -> dict[str, Any]:
    try:
        receipt = json.loads(text, object_pairs_hook=_without_repetition)
    except _Repeated:
        raise ReceiptRefused(Flaw.EDITED, "the receipt has a field twice") from None
    except (ValueError, RecursionError):
        raise ReceiptRefused(Flaw.CUT, "the receipt does not read as JSON to its end") from None
    if not isinstance(receipt, dict):
        raise ReceiptRefused(Flaw.CUT, "not a receipt: not a JSON object")
    missing = sorted((SIGNED | {"signature", "fingerprint"}) - receipt.keys())
    if missing:
        raise ReceiptRefused(Flaw.CUT, f"the receipt lacks {', '.join(missing)}")
    try:
        canonical(receipt)
    except UnicodeEncodeError:  # a lone surrogate, which JSON may escape, and no vault ever writes
        raise ReceiptRefused(Flaw.EDITED, "the receipt has text that is not Unicode") from None
    return receipt


class _Repeated(Exception):
    """Readers differ in which of two fields of one name they take."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Repeated
    return members


def _signature_in(receipt: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(receipt["signature"], validate=True)
    except (ValueError, TypeError):
        raise ReceiptRefused(Flaw.CUT, "the receipt's signature is not base64 to its end") from None


def _check_leaves(receipt: Mapping[str, Any]) -> None:
    """They are not signed, but what binds them is. A receipt without any proves what it says all the same."""
    if "leaves" not in receipt:
        return
    try:
        leaves = leaves_of(receipt)
    except (ValueError, KeyError, TypeError):
        raise ReceiptRefused(Flaw.EDITED, "the receipt's leaves do not read") from None
    if len(leaves) < receipt["tokens"]["count"]:
        raise ReceiptRefused(Flaw.CUT, "the receipt has fewer leaves than it says")
    if not are_those_of(receipt["tokens"], leaves):
        raise ReceiptRefused(Flaw.EDITED, "the receipt's leaves are not those that were signed")
