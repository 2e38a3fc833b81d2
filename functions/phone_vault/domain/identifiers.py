"""Identifiers that callers bring: their alphabets, and the rule that a subject id must be a pseudonym."""

import hashlib
import re
from collections.abc import Iterable

from phone_vault.domain.digits import digits_of
from phone_vault.domain.errors import IdentifierNotPseudonymous
from phone_vault.domain.phone import PhoneNumber

TENANT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SUBJECT_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
PURPOSE = re.compile(r"[a-z0-9_]{1,64}")
IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
TOKEN = re.compile(r"tok_[0-9a-z]{20,60}")

_SEPARATOR = re.compile(r"[_.:-]")
_DIGESTS = (hashlib.md5, hashlib.sha1, hashlib.sha256)  # what people reach for to "anonymise" a number


def check_pseudonymous(subject_id: str, *, number: PhoneNumber | None, written: Iterable[str]) -> None:
    """Refuse a subject id that is an e-mail address, a number, this number, or a plain digest of it.

    `number` is the request's number where it is one, `written` how it is written: what the caller typed in its place,
    and its country's own format.
    """
    if "@" in subject_id or subject_id.startswith("+"):
        raise IdentifierNotPseudonymous("subject_id looks like an e-mail address or a phone number")
    spellings = _spellings(number, written)
    if _SEPARATOR.sub("", subject_id) in spellings:
        raise IdentifierNotPseudonymous("subject_id is the number itself")
    digests = {
        digest(spelling.encode(), usedforsecurity=False).hexdigest()
        for digest in _DIGESTS
        for spelling in spellings
        if spelling
    }
    if subject_id.lower() in digests:
        raise IdentifierNotPseudonymous("subject_id is an unsalted digest of the number")


def gives_away(identifier: str, number: PhoneNumber | None) -> bool:
    """Whether an identifier of another kind (a tenant's) is the request's number in digits."""
    return number is not None and _SEPARATOR.sub("", identifier) in _spellings(number, ())


def _spellings(number: PhoneNumber | None, written: Iterable[str]) -> set[str]:
    spellings = {digits_of(each) for each in written} - {""}
    if number is not None:
        calling_code, national = number.disclose_parts()
        international = calling_code + national
        spellings |= {national, f"0{national}", international, f"00{international}", f"+{international}"}
    return spellings
