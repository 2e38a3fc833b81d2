"""Whether what was read is there, was erased, or never was."""

from datetime import datetime
from typing import TypeVar

from phone_vault.domain.errors import Erased, NotFound
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.tombstone import Tombstone

NO_SUCH_TOKEN = "the tenant has no such token"  # noqa: S105  a refusal's words

R = TypeVar("R", StoredNumber, MessageKey)


def found(read: R | Tombstone | None, what: str, policy: VaultPolicy, now: datetime) -> R:
    """The record; `NotFound` where there is none, `Erased` while its tombstone speaks."""
    if isinstance(read, Tombstone):
        if read.speaks(policy.tombstone_days, now):
            raise Erased("it was erased")
        read = None
    if read is None:
        raise NotFound(what)
    return read
