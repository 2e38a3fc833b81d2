"""Audit entries: what happened, in a canonical form, each chained to the one before it in its writer's chain."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from phone_vault.domain import moments
from phone_vault.domain.callers import Caller

BEGINNING = "0" * 64
"""What the first entry of a chain names as the digest of the one before it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One operation or refusal, as far as it is known: never a number, never a caller's unchecked words."""

    outcome: str
    """`created`, `merged`, `revealed`, `masked`, `looked-up`, `match`, `mismatch`, `encrypted`, `decrypted`, `held`,
    `released`, `restricted`, `lifted`, `granted`, `withdrawn`, `erasing`, `shredding` (about to), `erased`,
    `erasure-ended`, `refused` or `fault`; of jobs what they are about to do: `key-made`, `key-activated`,
    `re-wrapping`, and so on."""
    caller: Caller
    tenant_id: str | None = None
    purposes: tuple[str, ...] = ()
    reason: str | None = None
    tokens: tuple[str, ...] = ()
    subject_ref: str | None = None
    problem: str | None = None
    break_glass: bool = False
    """Whether the caller's rights are for emergencies."""
    details: Mapping[str, str | int] = field(default_factory=dict)
    """What a job did: key versions, counts."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands: its chain (`function#writer`), its sequence there (from 1), what it follows, its key."""

    chain: str
    sequence: int
    previous: str
    keyed_by: str
    """The tenant (or `#vault`) and version of the audit key: `acme/1`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the audit trail, ready to be written."""

    chain: str
    sequence: int
    at: str
    about: str | None
    """`tenant#token` or `tenant#subject_ref`: what the sparse index finds it by."""
    text: str
    """The canonical JSON that digest and MAC are over."""
    mac: bytes

    @property
    def digest(self) -> str:
        """SHA-256 over the text and its MAC, in hex; the next entry of the chain carries it."""
        return hashlib.sha256(self.text.encode() + self.mac).hexdigest()


def canonical_text(event: Event, place: Place, at: datetime) -> str:
    """One JSON object, keys sorted, no white space; what is not known is left out."""
    function, _, _ = place.chain.partition("#")
    content = {
        "at": moments.to_text(at),
        "chain": place.chain,
        "sequence": place.sequence,
        "previous": place.previous,
        "keyed_by": place.keyed_by,
        "function": function,
        "principal": list(event.caller.names),
        "authentication": event.caller.authentication,
        "tenant_id": event.tenant_id,
        "purpose": list(event.purposes),
        "reason": event.reason,
        "token": list(event.tokens),
        "subject_ref": event.subject_ref,
        "outcome": event.outcome,
        "problem": event.problem,
        "break_glass": event.break_glass or None,
        "details": dict(event.details),
    }
    known = {name: value for name, value in content.items() if value not in (None, [], {})}
    return json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def about(event: Event) -> str | None:
    """What one entry is about, if it is about one thing."""
    if event.tenant_id is None:
        return None
    if len(event.tokens) == 1:
        return f"{event.tenant_id}#{event.tokens[0]}"
    return f"{event.tenant_id}#{event.subject_ref}" if event.subject_ref else None
