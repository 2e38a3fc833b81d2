"""What the options of `phone-vault rotate` ask for."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar


class Use(StrEnum):
    """Which keys to rotate now, due or not."""

    BRANCH = "branch"
    INDEX = "index"
    KMS = "kms"


class NewKeys(StrEnum):
    """Whether versions are made before the records are looked at."""

    DUE = "due"
    NOW = "now"
    NONE = "none"


class EarlierExecution(Protocol):
    """One that has ended."""

    @property
    def name(self) -> str: ...
    @property
    def has_succeeded(self) -> bool: ...


_Earlier = TypeVar("_Earlier", bound=EarlierExecution)


@dataclass(frozen=True, slots=True)
class Order:
    """One Rotation that somebody wants."""

    new_keys: NewKeys = NewKeys.DUE
    use: Use | None = None
    tenant_id: str | None = None
    is_compromised: bool = False
    re_encrypts: bool = False

    @property
    def machine_input(self) -> dict[str, Any]:
        """For the state machine."""
        makes_none = self.new_keys is NewKeys.NONE or self.use is Use.KMS
        return {
            "rotate": "none" if makes_none else "due",
            **({"tenant_id": self.tenant_id} if self.tenant_id else {}),
            **({"use": str(self.use)} if self.use and self.use is not Use.KMS else {}),
            **({"reason": "compromise"} if self.is_compromised else {}),
            **({"re_encrypt": True} if self.re_encrypts else {}),
        }

    @property
    def continued_input(self) -> dict[str, Any]:
        """For going on after the keys were made: otherwise they would be made once more."""
        return {**self.machine_input, "rotate": "none"}

    @property
    def rotate_keys_request(self) -> dict[str, Any] | None:
        """For RotateKeys, where that is called before the machine is."""
        if self.use is not Use.KMS:
            return None
        return {
            "use": str(Use.KMS),
            **({"tenant_id": self.tenant_id} if self.tenant_id else {}),
        }

    def execution_name(self) -> str:
        """A new one; the same order is known by it."""
        return f"{self._name_begins}{secrets.token_hex(8)}"

    def is_of(self, execution: EarlierExecution) -> bool:
        """Whether an execution was started for the same, here or elsewhere."""
        return execution.name.startswith(self._name_begins)

    def unfinished_in(self, executions: Sequence[_Earlier]) -> list[_Earlier]:
        """The last executions, newest first, as far as they were for the same order and did not come to their end."""
        found = []
        for each in executions:
            if not self.is_of(each) or each.has_succeeded:
                break
            found.append(each)
        return found

    @property
    def warnings(self) -> list[str]:
        """What a person should confirm."""
        found = []
        if self.use is Use.KMS:
            found.append(
                "New material for the KMS key itself: KMS allows 25 such rotations for the life of a key, and none is "
                "given back. It keeps the old material, so this cures no compromise."
            )
        if self.re_encrypts:
            found.append(
                "Every stored number gets a new record key and a new message: each is decrypted and written anew. "
                "`phone-vault estimate rotation --re-encrypt` tells what that takes."
            )
        return found

    @property
    def _name_begins(self) -> str:
        told = json.dumps([self.machine_input, self.rotate_keys_request], sort_keys=True)
        return f"rotate-{hashlib.sha256(told.encode()).hexdigest()[:16]}-"
