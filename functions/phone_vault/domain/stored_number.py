"""What the vault keeps beside a number's key: who it belongs to, for which purposes, since when."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from phone_vault.domain.consent import Consent
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule
from phone_vault.domain.standing import NOTHING_SAID, Standing

_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 25


def new_token() -> str:
    """`tok_` and 25 random characters of `[0-9a-z]`: 129 bits, so that a token is never guessed nor met twice."""
    return "tok_" + "".join(secrets.choice(_BASE_36) for _ in range(_TOKEN_LENGTH))


def token_of(digest: bytes) -> str:
    """The token that a secret digest of 32 bytes stands for, as opaque as a random one."""
    rest, characters = int.from_bytes(digest), []
    for _ in range(_TOKEN_LENGTH):
        rest, place = divmod(rest, len(_BASE_36))
        characters.append(_BASE_36[place])
    return "tok_" + "".join(characters)


@dataclass(frozen=True, slots=True)
class Grant:
    """One purpose for which a number may be used; the rule is the policy's as of `granted_at`."""

    granted_at: datetime
    rule: RetentionRule
    consent: Consent | None = None

    def consent_is_newer_than(self, other: "Grant") -> bool:
        """Whether it rests on a consent that was given after the other's."""
        return self.consent is not None and self.consent.is_newer_than(other.consent)


@dataclass(frozen=True, slots=True)
class IndexPosition:
    """Where a record stands in the blind index of one key version.

    `binding` is a MAC under the same index key over the position and the record's identity, so that rows which were
    exchanged between records, all of them at once included, do not match what they say.
    """

    blind_index: bytes
    binding: bytes
    numbering_release: str
    """The libphonenumber release that gave the canonical form."""


@dataclass(frozen=True, slots=True)
class StoredNumber:
    """A row of RecordKeys. `revision` counts its writes: every conditional write names the one it read."""

    tenant_id: str
    token: str
    subject_id: str
    subject_ref: str
    created_at: datetime
    revision: int
    wrapped_key: bytes
    branch_key_version: int | None
    """None when KMS itself wraps the record key (a tenant of direct wrapping)."""
    jurisdictions: tuple[Jurisdiction, ...]
    """The declared one first; then what only tightens."""
    grants: Mapping[str, Grant]
    last_used: Mapping[str, datetime]
    """By purpose: the first full reveal of the last UTC day that had one."""
    index_positions: Mapping[int, IndexPosition]
    """By index key version; none when it was stored while its tenant kept no index."""
    kms_key: str | None = None
    """The ARN of the KMS key of direct wrapping; None where a branch key wraps, and in rows of early releases."""
    key_made_at: datetime | None = None
    """When the record key was made, if it is not the first one."""
    standing: Standing = NOTHING_SAID

    @property
    def name(self) -> str:
        """What names the record in its tenant."""
        return self.token
