"""How far the off-boarding of a tenant has come."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import Cursor


@dataclass(frozen=True, slots=True)
class OffBoarding:
    """How far the pass over a tenant's records has come, and what it has found up to there."""

    tenant_id: str
    reason: str | None
    """As it was given first."""
    cursor: Cursor | None = None
    """Where the next page begins; None before the first and after the last."""
    is_look: bool = False
    """Whether it is only the look for legal holds, before anything is destroyed."""
    done: bool = False
    counts: Mapping[Kind, int] = field(default_factory=dict)
    revision: int = 0
    """How often it was written."""


def off_boarding_text(off_boarding: OffBoarding) -> str:
    """As it is stored and sealed: the same text for the same progress."""
    content = {
        "reason": off_boarding.reason,
        "cursor": dict(off_boarding.cursor) if off_boarding.cursor is not None else None,
        "is_look": off_boarding.is_look,
        "done": off_boarding.done,
        "counts": dict(off_boarding.counts),
        "revision": off_boarding.revision,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def off_boarding_of(tenant_id: str, text: str) -> OffBoarding:
    """What `off_boarding_text` has written: whoever reads it has checked its seal."""
    content = json.loads(text)
    return OffBoarding(
        tenant_id,
        content["reason"],
        content["cursor"],
        is_look=content["is_look"],
        done=content["done"],
        counts={Kind(kind): count for kind, count in content["counts"].items()},
        revision=content["revision"],
    )
