"""The protocol of a rotation: what is due, how long caches may be behind, and what a census proves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from phone_vault.domain.keys import KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.policy import RotationPeriods, VaultPolicy

LONGEST_FUNCTION = timedelta(seconds=60)
"""The longest timeout of a function that uses the keys; a test holds the templates to it."""
LATEST_WRITE = timedelta(seconds=15)
"""By how much the row of a key version may come to be after the moment that it names, with the patience of our clients.

The functions whose keys come from caches, those for applications, end by themselves that much before the longest
function, so that no wait is too short; a test holds the templates to this too.
"""
ROTATED = (KeyUse.BRANCH, KeyUse.INDEX)
"""The uses that are rotated by age."""
LEAVING: Mapping[KeyUse, frozenset[KeyState]] = {
    KeyUse.BRANCH: frozenset({KeyState.DECRYPT_ONLY}),
    KeyUse.INDEX: frozenset({KeyState.CLOSED}),
    KeyUse.SUBJECT: frozenset(),
    KeyUse.SUPPRESS: frozenset(),
    KeyUse.AUDIT: frozenset(),
}
"""From which states a version of each use is retired."""


def wait_of(policy: VaultPolicy) -> timedelta:
    """After which no function uses a key ring that was read before: the cache's age, and the longest invocation."""
    return timedelta(seconds=policy.branch_key_cache_seconds) + LONGEST_FUNCTION


class Made(Protocol):
    """Whatever is known of a key version, as far as its age goes."""

    @property
    def key_id(self) -> KeyId: ...
    @property
    def created_at(self) -> datetime: ...


def is_due(key: Made, periods: RotationPeriods, now: datetime) -> bool:
    """Whether an active version is as old as the policy lets it become."""
    days = periods.branch_days if key.key_id.use is KeyUse.BRANCH else periods.index_days
    return key.created_at + timedelta(days=days) <= now


@dataclass(frozen=True, slots=True)
class Succession:
    """A version in place of another."""

    tenant_id: str
    use: str
    before: int
    after: int
    state: KeyState


class Step(StrEnum):
    """The passes of a Rotation over all records, in the order in which they are made."""

    REWRAP_FIRST = "rewrap-first"
    """After a compromise, before the wait: most records leave the version at once."""
    REWRAP = "rewrap"
    RE_ENCRYPT = "re-encrypt"
    REINDEX = "reindex"
    FIRST_CENSUS = "first-census"
    SWEEP = "sweep"
    LAST_CENSUS = "last-census"


@dataclass(frozen=True, slots=True)
class Run:
    """One Rotation: what it is about, and since when. Its cursors are kept beside it, one for each step and shard."""

    run_id: str
    begun_at: datetime
    shards: int
    tenant_id: str | None = None
    """None: all of them."""
    re_encrypt: bool = False
    """Whether stored numbers get new record keys and messages."""
    fingerprint: str = ""
    """Of the key versions that it began with: a run is resumed while they are the same or its own doing."""
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step has come in one shard."""

    run_id: str
    step: Step
    shard: int
    begun_at: datetime
    cursor: Mapping[str, str] | None = None
    """Where the next page begins; None before the first."""
    done: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """What was done so far, by name."""
    revision: int = 0
    """How often it was written."""


FAILED, DONE, CURRENT = "failed", "done", "current"
"""Names among a step's counts: records that could not be moved on, those that were, those that needed nothing."""


@dataclass(frozen=True, slots=True)
class Census:
    """How many records of a tenant each key version has, as counted from `begun_at` on."""

    tenant_id: str
    begun_at: datetime
    on_version: Mapping[str, int]
    """By `branch/1`, `index/1`; of the index the records that stand in it, or its entries if those are more."""
    stored_numbers: int
    message_keys: int
    direct: int = 0
    """Records whose key KMS itself wraps."""
    in_index: Mapping[str, int] = field(default_factory=dict)
    """By `index/1`: records that stand in it, whatever its entries are."""
    indexed: int = 0
    """Records that stand in the index, in whatever version."""
    out_of_reach: int = 0
    """Message keys that a compromised version wrapped: no rotation cures the messages that applications keep."""
    unreadable: int = 0
    """Rows that are not as the vault writes them."""

    def records_on(self, key_id: KeyId) -> int:
        """Records still on a version."""
        return self.on_version.get(key_id.in_tenant, 0)

    def proves_filled(self, key: WrappedKey, wait: timedelta) -> bool:
        """Whether every record that stands in the index stands in this version of it, and will from now on.

        A census that began before caches had run out says nothing: a function may have stored numbers without it since.
        """
        since = key.changed_at or key.created_at
        is_late_enough = self.begun_at >= since + wait
        return is_late_enough and self.in_index.get(key.key_id.in_tenant, 0) >= self.indexed and not self.unreadable

    def proves_unused(self, key: WrappedKey, wait: timedelta) -> bool:
        """Whether nothing is on the version, and nothing can have come to it since.

        A census that began before caches had run out says nothing: a function may have used the version after it.
        """
        if key.state not in LEAVING[key.key_id.use] or key.changed_at is None or self.unreadable:
            return False
        return self.begun_at >= key.changed_at + wait and self.records_on(key.key_id) == 0
