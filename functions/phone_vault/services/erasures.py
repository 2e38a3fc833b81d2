"""Erasures of subjects and of single numbers: begun, carried out, proven by receipts, and finished when holds go.

What is held is not destroyed. It is marked, which ends all its purposes, and destroyed when its last hold goes.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from phone_vault.crypto.receipts import salted
from phone_vault.domain.audit import Event
from phone_vault.domain.inventory import Kind
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.moments import to_second, to_text
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.ports import Clock, Contended
from phone_vault.domain.receipts import Destroyed, ReceiptKind
from phone_vault.domain.retention import Retained
from phone_vault.domain.rights_ports import Because, Members
from phone_vault.domain.standing import Erasure
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.destruction import Destruction
from phone_vault.services.erasure_end import end_erasure
from phone_vault.services.operation import ATTEMPTS
from phone_vault.services.receipts import Receipts
from phone_vault.services.right import Deed, everything_of

TOKENS_AN_ENTRY = 1_000
"""So that an entry of the trail stays far below what a row of DynamoDB holds."""
_ID_BYTES = 16
_HELD = "under-legal-hold"
_NO_MEMBERS = Members((), ())

Found = Retained | Tombstone


class _Fates(NamedTuple):
    """What became of records."""

    dead: list[Tombstone]
    """And not closed yet."""
    blocked: list[Retained]
    over: list[Tombstone]
    """Closed by another call meanwhile."""


@dataclass(frozen=True, slots=True)
class Erasures:
    """Each step may be repeated, and each call does what an earlier one has left.

    A tombstone is closed once a receipt has counted it. What had to wait for a hold gets a receipt of its own, after
    that of its erasure.
    """

    policy: VaultPolicy
    destruction: Destruction
    receipts: Receipts
    clock: Clock

    def erase_subject(self, deed: Deed, subject_id: SubjectId) -> Mapping[str, Any]:
        """The receipt. From the first write on the subject takes no numbers: what is found after it is all."""
        erasure = self._begun(deed, subject_id)
        if erasure is None:
            return self.erase_nothing(deed)
        fates = self._fates(deed, erasure, list(everything_of(deed.stores, subject_id)))
        receipt = self._proven(deed, erasure, fates, _name(erasure, subject_id.subject_ref))
        self.end(deed, subject_id)
        return receipt

    def erase_number(self, deed: Deed, there: StoredNumber | Tombstone) -> Mapping[str, Any]:
        """The receipt; of what is dead and closed it says that nothing was erased."""
        if isinstance(there, Tombstone) and there.is_swept:
            return self.erase_nothing(deed)
        fates = self._fates(deed, _erasure_of(there, deed), [there])
        known = there if _waiting(there) else (*fates.dead, *fates.blocked, *fates.over, there)[0]
        erasure = _erasure_of(known, deed)
        receipt = self._proven(deed, erasure, fates, _name(erasure, there.subject_ref))
        if _waiting(there):
            self.end(deed, SubjectId(there.tenant_id, there.subject_ref))
        return receipt

    def erase_nothing(self, deed: Deed) -> Mapping[str, Any]:
        """The receipt of an erasure that has found nothing."""
        nothing = Erasure(secrets.token_hex(_ID_BYTES), deed.now)
        return self._issued(deed, _name(nothing, ""), _Fates([], [], []), deed.event.reason)

    def finish(self, deed: Deed, records: Iterable[Found]) -> None:
        """Destroy those whose erasure waits for nothing any more: `deed.receipts` gets one for each erasure.

        For whoever has released holds, of all records that it has passed; tombstones too, in case it was stopped.
        """
        waiting: dict[tuple[Erasure, str], list[Found]] = {}
        for each in records:
            erasure = _waiting(each)
            if erasure is not None and not _is_held(each):
                waiting.setdefault((erasure, each.subject_ref), []).append(each)
        for (erasure, subject_ref), found in waiting.items():
            fates = self._fates(deed, erasure, found)
            if fates.dead:
                deed.receipts.append(self._proven_further(deed, _name(erasure, subject_ref), fates))
        passed = [SubjectId(each.tenant_id, each.subject_ref) for found in waiting.values() for each in found]
        for subject_id in dict.fromkeys(passed):
            self.end(deed, subject_id)

    def end(self, deed: Deed, subject_id: SubjectId) -> None:
        """The subject takes numbers again, if nothing of it waits any more."""
        end_erasure(deed.stores, deed.trail, deed.event, subject_id)

    def _begun(self, deed: Deed, subject_id: SubjectId) -> Erasure | None:
        """The erasure under way, or a new one; None where there is nothing to erase."""
        for _ in range(ATTEMPTS):
            subject = deed.stores.subjects.read(subject_id)
            if subject.erasure is not None:
                return subject.erasure
            if deed.stores.subjects.members(subject_id) == _NO_MEMBERS:
                return None
            erasure = Erasure(secrets.token_hex(_ID_BYTES), deed.now)
            with suppress(Contended):
                event = replace(deed.event, outcome="erasing", subject_ref=subject_id.subject_ref)
                with deed.trail.writing([event]) as entries:
                    deed.stores.subjects.write(replace(subject, erasure=erasure), entries)
                return erasure
        raise Contended("the subject changes too often")

    def _fates(self, deed: Deed, erasure: Erasure, found: Sequence[Found]) -> _Fates:
        """Shred what is not held, mark what is, and clear."""
        living = [each for each in found if not isinstance(each, Tombstone)]
        self._announce(deed, erasure, [each for each in living if not each.standing.is_held])
        fates = self.destruction.each(partial(self._shredded_or_marked, deed, erasure), living)
        ended = [each for each in (*found, *fates) if isinstance(each, Tombstone)]
        dead = [each for each in ended if not each.is_swept]
        self.destruction.clear(dead)
        blocked = [each for each in fates if each is not None and not isinstance(each, Tombstone)]
        return _Fates(dead, blocked, [each for each in ended if each.is_swept])

    def _announce(self, deed: Deed, erasure: Erasure, records: Sequence[Retained]) -> None:
        """Before they are destroyed. After a restore the trail alone knows which they were."""
        keys = tuple(sorted(each.key_id.purpose for each in records if isinstance(each, MessageKey)))
        tokens = [each.token for each in records if isinstance(each, StoredNumber)]
        portions = [tuple(tokens[at : at + TOKENS_AN_ENTRY]) for at in range(0, len(tokens), TOKENS_AN_ENTRY)] or [()]
        event = replace(deed.event, outcome="shredding", details={"erasure": erasure.erasure_id})
        events = [replace(event, tokens=portion) for portion in portions]
        events[0] = replace(events[0], purposes=keys)
        if records:
            deed.trail.record(events)

    def _shredded_or_marked(self, deed: Deed, erasure: Erasure, record: Found | None) -> Found | None:
        for _ in range(ATTEMPTS):
            fate = self.destruction.shred(record, Because.ERASURE, deed.now)
            if fate is None or isinstance(fate, Tombstone) or fate.standing.erasure is not None:
                return fate
            marked = replace(fate, standing=fate.standing.erasing(erasure))
            with suppress(Contended):
                with deed.trail.writing([_marking(deed, erasure, fate)]) as entries:
                    deed.stores.retained.change(fate, marked, deed.due(marked), entries)
                return marked
            record = self.destruction.read_again(fate)
        raise Contended("a record changes too often")

    def _proven(self, deed: Deed, erasure: Erasure, fates: _Fates, name: str) -> Mapping[str, Any]:
        """Issue the receipt, then close what it counts. What a purge has left to be swept is swept, and not counted."""
        own = [each for each in fates.dead if each.erased_at >= erasure.at]
        waited = fates._replace(dead=[each for each in own if each.erasure is not None])
        receipt = self._stored(deed, name)
        if receipt is None:
            receipt = self._issued(deed, name, fates._replace(dead=own), deed.event.reason)
        elif waited.dead:
            receipt = self._further(deed, name, waited)
        self.destruction.close(fates.dead)
        return {**self.receipts.whole(receipt), "blocked": _blocked(fates.blocked)}

    def _proven_further(self, deed: Deed, name: str, waited: _Fates) -> Mapping[str, Any]:
        """The same for what had to wait."""
        receipt = self._further(deed, name, waited)
        self.destruction.close(waited.dead)
        return self.receipts.whole(receipt)

    def _further(self, deed: Deed, first_name: str, waited: _Fates) -> Mapping[str, Any]:
        name = f"{first_name}#{_digest(*sorted(each.name for each in waited.dead))}"
        first = self.receipts.stored(first_name, ReceiptKind.ERASURE, deed.event.tenant_id)
        return self._stored(deed, name) or self._issued(deed, name, waited, first["reason"] if first else None)

    def _stored(self, deed: Deed, name: str) -> Mapping[str, Any] | None:
        receipt = self.receipts.stored(name, ReceiptKind.ERASURE, deed.event.tenant_id)
        if receipt is not None:
            deed.event = replace(deed.event, details={**deed.event.details, "receipt": receipt["id"]})
        return receipt

    def _issued(self, deed: Deed, name: str, fates: _Fates, reason: str | None) -> Mapping[str, Any]:
        numbers = [each for each in fates.dead if each.message_purpose is None]
        at = to_second(self.clock.now())
        destroyed = Destroyed(
            kind=ReceiptKind.ERASURE,
            at=at,
            final_at=at + self.receipts.key_recovery,
            policy=self.policy.digest,
            counts={Kind.STORED_NUMBER: len(numbers), Kind.MESSAGE_KEY: len(fates.dead) - len(numbers)},
            by_purpose=dict(sorted(Counter(purpose for each in numbers for purpose in each.purposes).items())),
            tenant_id=deed.event.tenant_id,
            reason=reason,
            tokens=salted(each.token for each in numbers),
            blocked=_blocked(fates.blocked),
        )
        receipt = self.receipts.issue(name, destroyed, replace(deed.event, outcome="erased"))
        deed.has_written = True
        return receipt


def _name(erasure: Erasure, subject_ref: str) -> str:
    """Of its first receipt: a subject's row that names another's erasure does not find that one's."""
    return f"erasure#{erasure.erasure_id}#{_digest(erasure.erasure_id, subject_ref)}"


def _marking(deed: Deed, erasure: Erasure, record: Retained) -> Event:
    event = replace(deed.event, outcome="erasing", details={"erasure": erasure.erasure_id})
    if isinstance(record, MessageKey):
        return replace(event, purposes=(record.key_id.purpose,))
    return replace(event, tokens=(record.token,))


def _erasure_of(record: Found, deed: Deed) -> Erasure:
    """The one that it waits for or has waited for; else one by which whoever comes again finds the same receipt."""
    erasure = _waiting(record)
    if erasure is None:
        at = record.erased_at if isinstance(record, Tombstone) else deed.now
        erasure = Erasure(_digest(record.tenant_id, record.name, to_text(at)), at)
    return erasure


def _waiting(record: Found) -> Erasure | None:
    return record.erasure if isinstance(record, Tombstone) else record.standing.erasure


def _is_held(record: Found) -> bool:
    return not isinstance(record, Tombstone) and record.standing.is_held


def _blocked(records: Sequence[Retained]) -> list[dict[str, str | None]]:
    """Message keys have no token: they are told by their purpose."""
    tokens = sorted(each.token for each in records if isinstance(each, StoredNumber))
    purposes = sorted(each.key_id.purpose for each in records if isinstance(each, MessageKey))
    numbers: list[dict[str, str | None]] = [{"token": token, "reason": _HELD} for token in tokens]
    return numbers + [{"token": None, "purpose": purpose, "reason": _HELD} for purpose in purposes]


def _digest(*parts: str) -> str:
    """Tokens are not to be seen in the keys of Operations."""
    return hashlib.sha256("#".join(parts).encode()).hexdigest()[: 2 * _ID_BYTES]
