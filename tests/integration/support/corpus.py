"""A leak detector: everything that was left behind, searched for every number that was sent."""

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

SHORTEST = 9
"""Digits; shorter sequences would be found in random bytes by chance."""

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]+")
_NOT_A_DIGIT = re.compile(r"[^0-9]+")
# Random or counted by design: their digits, joined with those beside them, mean nothing.
_MEANINGLESS = re.compile(
    r"tok_[0-9a-z]{20,60}"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[0-9a-f]{32,64}\b"
    r"|\b[A-Za-z0-9_-]{43}\b"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]?\d*"
    r'|"Timestamp":\d+'
)
_LONG_RUN = re.compile(rf"[0-9]{{{SHORTEST},}}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_TO_STANDARD = str.maketrans("-_", "+/")
_HEX = re.compile(r"[0-9a-fA-F]{18,}")
_DIGESTS = (hashlib.md5, hashlib.sha1, hashlib.sha256)


@dataclass(slots=True)
class Corpus:
    """What callers sent and what the vault left: texts of every kind, and raw bytes."""

    numbers: set[str] = field(default_factory=set)
    """Digits of what was sent as a number: as typed, national, international."""
    texts: set[str] = field(default_factory=set)
    blobs: set[bytes] = field(default_factory=set)

    def asked(self, payload: Any) -> None:
        """A request; its numbers are what is looked for."""
        for request in _objects(payload):
            typed, region = request.get("number"), request.get("region")
            if isinstance(typed, str):
                self.numbers |= _digit_forms(typed, region if isinstance(region, str) else None)

    def answered(self, answer: Any) -> None:
        """An answer; the one field that is a number on purpose is left out."""
        for each in _objects(answer):
            shown = {name: value for name, value in each.items() if not isinstance(value, dict | list)}
            if "token" in shown and "purpose" in shown:
                shown.pop("number", None)
            if "statusCode" in shown:
                shown.pop("body", None)  # an object of its own, to be given here too
            self.heard(json.dumps(shown, ensure_ascii=False))

    def heard(self, text: str) -> None:
        """A log line, an exception's text, an encryption context."""
        self.texts.add(text)

    def stored(self, row: Mapping[str, Any]) -> None:
        """A table's item, wire form."""
        for name, value in row.items():
            self._value(name)
            self._value(value)

    def _value(self, value: Any) -> None:
        if isinstance(value, bytes):
            self.blobs.add(value)
            self.texts.add(value.decode("latin-1"))
            for pair in encryption_context(value).items():
                self.texts.add(" ".join(pair))
        elif isinstance(value, dict):
            for name, each in value.items():
                self.texts.add(name)
                self._value(each)
        elif isinstance(value, list):
            for each in value:
                self._value(each)
        elif value is not None:
            self.texts.add(str(value))

    def leaks(self) -> list[str]:
        """How a number shows, and where (a text that holds one is cut to its first 200 characters)."""
        found = [f"{how}: {text[:200]!r}" for text in sorted(self.texts) for how in self._disguises_in(text)]
        digests = {digest for text in self.texts for digest in _hex_windows(text)}
        digests |= {digest for blob in self.blobs for digest in _windows(blob)}
        for spelling in sorted(self._spellings()):
            for kind in _DIGESTS:
                digest = kind(spelling.encode(), usedforsecurity=False)
                if digest.hexdigest() in digests:
                    found.append(f"{digest.name} of {len(spelling)} characters")
        return found

    def _disguises_in(self, text: str) -> Iterator[str]:
        plain = unicodedata.normalize("NFKC", text)
        if self._holds(_NOT_ALPHANUMERIC.sub("", plain)):
            yield "digits"
        elif self._holds(_NOT_A_DIGIT.sub("", _MEANINGLESS.sub(" ", plain))):
            yield "digits with letters between"
        for how, decoded in (("hex", _from_hex(text)), ("base64", _from_base64(text))):
            if any(self._holds(_NOT_ALPHANUMERIC.sub("", each)) for each in decoded):
                yield how

    def _holds(self, characters: str) -> bool:
        return any(number in run for run in _LONG_RUN.findall(characters) for number in self.numbers)

    def _spellings(self) -> set[str]:
        """What somebody would encode or digest: bare, with a plus, with a trunk or an international prefix."""
        return {f"{prefix}{number}" for number in self.numbers for prefix in ("", "+", "0", "00")}


COLLECTED = Corpus()
"""Of the whole session."""


def encryption_context(message: bytes) -> dict[str, str]:
    """Of an AWS Encryption SDK message of version 2, read by its published format; empty for anything else."""
    if message[:1] != b"\x02" or len(message) < 41:
        return {}
    length = int.from_bytes(message[35:37], "big")
    fields, at = message[37 : 37 + length], 2
    texts = []
    while at + 2 <= len(fields):
        size = int.from_bytes(fields[at : at + 2], "big")
        texts.append(fields[at + 2 : at + 2 + size].decode("utf-8", "replace"))
        at += 2 + size
    return dict(zip(texts[::2], texts[1::2], strict=False))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _digit_forms(typed: str, region: str | None) -> set[str]:
    forms = {_NOT_A_DIGIT.sub("", unicodedata.normalize("NFKC", typed))}
    try:
        parsed = phonenumbers.parse(typed, region)
    except NumberParseException:
        pass
    else:
        forms.add(phonenumbers.national_significant_number(parsed))
        forms.add(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)[1:])
    return {form for form in forms if len(form) >= SHORTEST and len(set(form)) > 2}


def _from_hex(text: str) -> Iterator[str]:
    """What runs of hex stand for, at both alignments."""
    for run in _HEX.findall(text):
        for start in (0, 1):
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2]).decode("latin-1")


def _from_base64(text: str) -> Iterator[str]:
    """What runs of base64 stand for, standard or URL-safe, at every alignment."""
    for run in _BASE64.findall(text):
        standard = run.translate(_TO_STANDARD)
        for start in range(4):
            aligned = standard[start:]
            if len(aligned) % 4 == 1:
                aligned = aligned[:-1]
            yield base64.b64decode(aligned + "=" * (-len(aligned) % 4)).decode("latin-1")


def _hex_windows(text: str) -> Iterator[str]:
    for run in _HEX.findall(text):
        for size in (32, 40, 64):
            for start in range(len(run) - size + 1):
                yield run[start : start + size].lower()


def _windows(blob: bytes) -> Iterator[str]:
    """Of values short enough to be a digest with something beside it."""
    if len(blob) <= 64:
        for size in (16, 20, 32):
            for start in range(len(blob) - size + 1):
                yield blob[start : start + size].hex()
