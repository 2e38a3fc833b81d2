"""A record key or a message key as it lies wrapped: as much of a row as re-wrapping needs."""

from dataclasses import dataclass
from typing import Protocol


class Wrapped(Protocol):
    """Whatever has a wrapped key: a stored number, a message key, or this much of either."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def wrapped_key(self) -> bytes: ...
    @property
    def branch_key_version(self) -> int | None: ...
    @property
    def kms_key(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class WrappedRecordKey:
    """A wrapped key, and what wrapped it: a version of the branch key, or None and a KMS key's ARN."""

    wrapped: bytes
    branch_key_version: int | None
    kms_key: str | None = None


@dataclass(frozen=True, slots=True)
class WrappedRecord:
    """A row of RecordKeys without grants and subject id; `revision` as in `StoredNumber`.

    Whom a stored number belongs to is not in it; the name of a message key says whose it is by the `subject_ref`.
    """

    tenant_id: str
    name: str
    """A token, or `m#subject_ref#purpose`."""
    wrapped_key: bytes
    branch_key_version: int | None
    kms_key: str | None
    revision: int
