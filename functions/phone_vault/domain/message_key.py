"""The key of the messages that an application keeps itself, for one subject and purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.standing import NOTHING_SAID, Standing
from phone_vault.domain.stored_number import Grant

FIRST_GENERATION = 1


class MessageKeyId(NamedTuple):
    """What names a message key."""

    tenant_id: str
    subject_ref: str
    purpose: str

    @property
    def name(self) -> str:
        """What names the key in its tenant, beside the tokens of stored numbers."""
        return f"m#{self.subject_ref}#{self.purpose}"

    @classmethod
    def named(cls, tenant_id: str, name: str) -> "MessageKeyId | None":
        """Which one that name is; None for a token."""
        parts = name.split("#")
        return cls(tenant_id, parts[1], parts[2]) if len(parts) == 3 and parts[0] == "m" else None


@dataclass(frozen=True, slots=True)
class MessageKey:
    """A row of RecordKeys like that of a stored number, for one purpose, without a number of its own.

    Once its purpose has ended, a new grant makes a new key, of the next generation: messages of an earlier one stay
    unreadable.
    """

    key_id: MessageKeyId
    generation: int
    subject_id: str
    created_at: datetime
    revision: int
    wrapped_key: bytes
    branch_key_version: int | None
    jurisdictions: tuple[Jurisdiction, ...]
    grants: Mapping[str, Grant]
    last_used: Mapping[str, datetime]
    kms_key: str | None = None
    standing: Standing = NOTHING_SAID

    @property
    def tenant_id(self) -> str:
        """The tenant."""
        return self.key_id.tenant_id

    @property
    def subject_ref(self) -> str:
        """The subject."""
        return self.key_id.subject_ref

    @property
    def name(self) -> str:
        """What names the record in its tenant."""
        return self.key_id.name
