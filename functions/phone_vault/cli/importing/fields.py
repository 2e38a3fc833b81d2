"""Which fields of a row make which part of a request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from phone_vault.cli.importing.rows import NotARow
from phone_vault.domain.free_text import LONGEST_TEXT
from phone_vault.domain.requests import MOST_PURPOSES

MOST_CHARACTERS = 1000
"""Of a number, a subject or a region: more than any of them has, so that the vault says what is wrong with it."""

_MOST_OF_PURPOSES = 100 * MOST_PURPOSES  # names of 64 characters, and what stands between them

Read = Callable[[str], str | None]
"""A field's text by its name; None when the row has none."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of fields (columns), and the constants beside them."""

    number: str
    subject: str | None
    region: str | None
    purposes: str | None
    consent_given_at: str | None
    consent_evidence: str | None
    constant_purposes: tuple[str, ...]
    constant_given_at: str | None
    constant_evidence: str | None
    consent_for: tuple[str, ...]
    """The purposes that the consent is for; empty for all of them."""

    def names(self) -> tuple[str, ...]:
        """All that a file must have."""
        optional = (self.subject, self.region, self.purposes, self.consent_given_at, self.consent_evidence)
        return (self.number, *(name for name in optional if name is not None))

    def request(self, read: Read) -> dict[str, Any]:
        """What a row adds to the request's common part."""
        request: dict[str, Any] = {"number": _required(read, self.number, "number")}
        if self.subject is not None:
            request["subject_id"] = _required(read, self.subject, "subject")
        if self.region is not None and (region := _text(read, self.region, "region")):
            request["region"] = region
        if self._purposes_differ:
            request["purposes"] = self._purposes(read)
        return request

    def common_purposes(self) -> dict[str, Any] | None:
        """When every row has the same."""
        return None if self._purposes_differ else self._granted(self.constant_purposes, self._constant_consent())

    @property
    def _purposes_differ(self) -> bool:
        return any(name is not None for name in (self.purposes, self.consent_given_at, self.consent_evidence))

    def _purposes(self, read: Read) -> dict[str, Any]:
        names: tuple[str, ...] = self.constant_purposes
        if self.purposes is not None:
            names = _purposes_in(_required(read, self.purposes, "purpose", most=_MOST_OF_PURPOSES))
        given_at, evidence = self.constant_given_at, self.constant_evidence
        if self.consent_given_at is not None:
            given_at = _text(read, self.consent_given_at, "consent's time")
        if self.consent_evidence is not None:
            evidence = _text(read, self.consent_evidence, "consent's evidence", most=LONGEST_TEXT)
        # A row without either has no consent; with one of them it has half a consent, which the vault refuses.
        from_row = (self.consent_given_at and given_at) or (self.consent_evidence and evidence)
        consent = {"given_at": given_at, "evidence": evidence} if from_row else self._constant_consent()
        return self._granted(names, consent)

    def _constant_consent(self) -> Mapping[str, Any] | None:
        if self.constant_given_at is None or self.constant_evidence is None:
            return None
        return {"given_at": self.constant_given_at, "evidence": self.constant_evidence}

    def _granted(self, purposes: tuple[str, ...], consent: Mapping[str, Any] | None) -> dict[str, Any]:
        return {
            purpose: {"consent": consent} if consent and (not self.consent_for or purpose in self.consent_for) else {}
            for purpose in purposes
        }


def _purposes_in(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))
    if len(names) > MOST_PURPOSES:
        raise NotARow(f"more than {MOST_PURPOSES} purposes")
    return names


def _required(read: Read, name: str, what: str, *, most: int = MOST_CHARACTERS) -> str:
    text = _text(read, name, what, most=most)
    if not text:
        raise NotARow(f"the {what} is missing")
    return text


def _text(read: Read, name: str, what: str, *, most: int = MOST_CHARACTERS) -> str:
    text = (read(name) or "").strip()
    if len(text) > most:  # never cut: what is sent is what the file says
        raise NotARow(f"the {what} is too long")
    return text
