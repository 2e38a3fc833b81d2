"""What an import has to remember: how far it has come, and what it may be continued with only."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

_SALT_BYTES = 16
_SALT = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

EMPTY = hashlib.sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """What an import may be continued with only: the same input, the same options, the same vault."""

    salt: str
    """16 bytes in hexadecimal. With it begins the name of each row, by which the vault knows the row again."""
    input: str
    options: str
    vault: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the rows up to the journal's offset."""

    rows: int = 0
    created: int = 0
    known: int = 0
    """Numbers that the vault had already for their subjects, rows of an interrupted batch among them."""
    formula_like: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """By kind."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to where everything is on the disk."""

    offset: int
    """Of the input, in bytes."""
    line: int
    """Of the input, at that offset."""
    output_bytes: int = 0
    rejects_bytes: int = 0
    output_digest: str = EMPTY
    """SHA-256: by it an output is known again as ours. Nothing is guessed from it, because tokens are random."""
    rejects_digest: str = EMPTY
    counts: Counts = Counts()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """All that the journal says."""

    identity: Identity
    progress: Progress


def as_text(entry: Entry) -> str:
    """JSON, on one line."""
    return json.dumps({"identity": asdict(entry.identity), "progress": asdict(entry.progress)})


def from_text(text: str) -> Entry:
    """`ValueError` for whatever `as_text` does not write."""
    try:
        content = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    _require(isinstance(content, dict) and content.keys() == {"identity", "progress"})
    return Entry(_identity(content["identity"]), _progress(content["progress"]))


def _identity(content: Any) -> Identity:
    _require(_is_of(content, Identity) and all(isinstance(value, str) for value in content.values()))
    _require(_SALT.fullmatch(content["salt"]) is not None)
    return Identity(**content)


def _progress(content: Any) -> Progress:
    _require(_is_of(content, Progress) and isinstance(content["complete"], bool))
    _require(all(_is_count(content[name]) for name in ("offset", "line", "output_bytes", "rejects_bytes")))
    _require(content["line"] >= 1)
    digests = (content["output_digest"], content["rejects_digest"])
    _require(all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in digests))
    return Progress(**{**content, "counts": _counts(content["counts"])})


def _counts(content: Any) -> Counts:
    _require(_is_of(content, Counts) and isinstance(content["rejected"], dict))
    rejected = content["rejected"]
    numbers = [content[each.name] for each in fields(Counts) if each.name != "rejected"]
    _require(all(map(_is_count, [*numbers, *rejected.values()])))
    _require(content["rows"] == content["created"] + content["known"] + sum(rejected.values()))
    return Counts(**content)


def _is_of(content: Any, kind: type[Any]) -> bool:
    return isinstance(content, dict) and content.keys() == {each.name for each in fields(kind)}


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _require(holds: bool) -> None:  # noqa: FBT001  an assertion
    if not holds:
        raise ValueError("not what the journal of an import holds")


def new_salt() -> str:
    """Another one for each import."""
    return secrets.token_hex(_SALT_BYTES)


def fingerprint(content: bytes, salt: str) -> str:
    """scrypt, because the journal stays where it is: from a mere digest a file of one number would be guessed.

    50 ms and 16 MB a guess (RFC 7914, N = 2^14, r = 8).
    """
    return hashlib.scrypt(content, salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()


def options_digest(options: Mapping[str, Any]) -> bytes:
    """Of everything that decides what a row becomes."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).digest()
