"""Receipts: what was destroyed and since when for good, signed, and checkable by whoever has file and public key.

A receipt is a JSON object. The signature covers the canonical form of all but the fields of `UNSIGNED`, fields that
this release does not know among them. Tokens stand in it as a Merkle root alone; its unsigned `leaves`, one salt and
hash for each token, let whoever knows a token show that it is among them, and tell nobody else which they are.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from phone_vault.domain import merkle
from phone_vault.domain.moments import to_text

UNSIGNED = frozenset({"signature", "fingerprint", "leaves", "blocked"})
"""`leaves` is bound by the root and the digest of its salts all the same. `blocked` may name tokens, and is nothing
that was destroyed."""
SIGNED = frozenset(
    {
        "id",
        "kind",
        "occasion",
        "tenant_id",
        "reason",
        "at",
        "policy",
        "counts",
        "by_purpose",
        "tokens",
        "final_at",
        "excludes",
    }
)
EXCLUDES = ("on-demand backups", "exports", "replicas")
"""Copies of tables that somebody made outside the vault: it does not know of them, so no receipt speaks for them."""

SALT_BYTES, HASH_BYTES = 16, 32
_ID_DIGITS = 32


class ReceiptKind(StrEnum):
    """Why something was destroyed."""

    OFF_BOARDING = "off-boarding"
    """All keys of a tenant: whatever it had stored, so that no tokens are listed."""
    PURGE = "purge"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class SaltedToken:
    """A leaf of a receipt's tree."""

    salt: bytes
    """16 random bytes."""
    hash: bytes

    @classmethod
    def of(cls, token: str, salt: bytes) -> "SaltedToken":
        """The leaf of a token."""
        return cls(salt, merkle.leaf_hash(salt + token.encode()))

    def as_json(self) -> dict[str, str]:
        """As receipts carry it."""
        return {"salt": self.salt.hex(), "hash": self.hash.hex()}

    def is_of(self, token: str) -> bool:
        """Whether it is this token's."""
        return hmac.compare_digest(self.hash, SaltedToken.of(token, self.salt).hash)


MOST_LEAVES = 1_000
"""That a receipt carries itself, and that a row of them holds."""


@dataclass(frozen=True, slots=True)
class LeafRows:
    """Where the leaves of a receipt are that has too many to carry: rows `receipt#{under}#leaves#{0, 1, ...}`."""

    under: str
    rows: int
    root: bytes
    """Over the leaves in the order of the rows."""
    salts: bytes
    """SHA-256 of their salts, one after the other."""
    count: int

    def named(self) -> dict[str, Any]:
        """As the receipt's `tokens`."""
        bound = {"root": self.root.hex(), "salts": self.salts.hex(), "count": self.count}
        return {**bound, "under": self.under, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What a receipt is about."""

    kind: ReceiptKind
    at: datetime
    final_at: datetime
    """When no backup window of the vault's own holds a key or an index entry any more."""
    policy: str
    """SHA-256 of the policy file, in hex."""
    counts: Mapping[str, int]
    """By `stored_numbers`, `message_keys`."""
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    """Stored numbers; one of several purposes counts for each."""
    tenant_id: str | None = None
    """None for what several tenants lost."""
    reason: str | None = None
    occasion: str = ""
    """What it is issued for, by `occasion_of`."""
    tokens: Sequence[SaltedToken] = ()
    """At most 1,000: of more, the receipt says where they are."""
    elsewhere: "LeafRows | None" = None
    blocked: Sequence[Mapping[str, str | None]] = ()
    """What should have been destroyed too, and why it was not."""

    def unsigned(self) -> dict[str, Any]:
        """The receipt but for signature and fingerprint."""
        # Sorted, so that the order tells nothing of the tokens.
        leaves = sorted(self.tokens, key=lambda leaf: leaf.hash)
        content = {
            "kind": str(self.kind),
            "occasion": self.occasion,
            "tenant_id": self.tenant_id,
            "reason": self.reason,
            "at": to_text(self.at),
            "policy": self.policy,
            "counts": dict(self.counts),
            **(self._erased() if self.kind is ReceiptKind.ERASURE else {}),
            "by_purpose": dict(self.by_purpose),
            "tokens": self.elsewhere.named() if self.elsewhere else _named(leaves),
            "final_at": to_text(self.final_at),
            "excludes": list(EXCLUDES),
        }
        return {
            "id": id_of(content),
            **content,
            **({} if self.elsewhere else {"leaves": [leaf.as_json() for leaf in leaves]}),
            "blocked": [dict(each) for each in self.blocked],
        }

    def _erased(self) -> dict[str, int]:
        return {"erased": self.counts["stored_numbers"], "message_keys": self.counts["message_keys"]}


def occasion_of(name: str) -> str:
    """SHA-256 of the name under which a receipt is issued, in hex: that of one erasure passes for no other's."""
    return hashlib.sha256(name.encode()).hexdigest()


def _named(leaves: Sequence[SaltedToken]) -> dict[str, Any]:
    """The tree is one of hashes alone, as RFC 6962 has it: a salt that was changed would let nobody show a token."""
    return {"root": _root(leaves), "salts": _salts(leaves), "count": len(leaves)}


def are_those_of(tokens: Mapping[str, Any], leaves: Sequence[SaltedToken]) -> bool:
    """Whether leaves are those that a receipt's signed `tokens` bind, in their order."""
    return (tokens["root"], tokens.get("salts")) == (_root(leaves), _salts(leaves))


def _root(leaves: Sequence[SaltedToken]) -> str:
    return merkle.root(leaf.hash for leaf in leaves).hex()


def _salts(leaves: Sequence[SaltedToken]) -> str:
    return hashlib.sha256(b"".join(leaf.salt for leaf in leaves)).hexdigest()


def id_of(receipt: Mapping[str, Any]) -> str:
    """A receipt's id is made of what it says: one that was edited does not fit its id any more."""
    content = {name: value for name, value in receipt.items() if name != "id"}
    return f"rcpt_{hashlib.sha256(signed_bytes(content)).hexdigest()[:_ID_DIGITS]}"


def signed_bytes(receipt: Mapping[str, Any]) -> bytes:
    """What the signature is over: the canonical form of the signed fields."""
    return canonical({name: value for name, value in receipt.items() if name not in UNSIGNED})


def canonical(content: Mapping[str, Any]) -> bytes:
    """JSON, keys sorted, no white space, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def signed(unsigned: Mapping[str, Any], signature: str, fingerprint: str) -> dict[str, Any]:
    """The whole receipt; the signature is in base64."""
    return {**unsigned, "signature": signature, "fingerprint": fingerprint}


def fingerprint_of(public_key: bytes) -> str:
    """SHA-256 of the public key as DER (SubjectPublicKeyInfo), in hex."""
    return hashlib.sha256(public_key).hexdigest()


def leaves_of(receipt: Mapping[str, Any]) -> list[SaltedToken]:
    """The leaves that it carries; `ValueError`, `KeyError` or `TypeError` for what is none."""
    leaves = [SaltedToken(bytes.fromhex(each["salt"]), bytes.fromhex(each["hash"])) for each in receipt["leaves"]]
    if any((len(leaf.salt), len(leaf.hash)) != (SALT_BYTES, HASH_BYTES) for leaf in leaves):
        raise ValueError("a leaf has another length")
    return leaves


def names_token(receipt: Mapping[str, Any], token: str) -> bool:
    """Whether the token is among those of a receipt that was checked."""
    return any(leaf.is_of(token) for leaf in leaves_of(receipt))
