"""The end of a subject's erasure, for whoever has destroyed the last of what it waited for."""

from contextlib import suppress
from dataclasses import replace

from phone_vault.domain.audit import Event
from phone_vault.domain.ports import Contended
from phone_vault.domain.retention import Retained
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.operation import ATTEMPTS
from phone_vault.services.right import RightStores, everything_of


def end_erasure(stores: RightStores, trail: AuditTrail, event: Event, subject_id: SubjectId) -> None:
    """The subject takes numbers again, once nothing of it has a key any more or waits to be swept.

    `event` is what the entry has in common with others of the call.
    """
    ended = replace(event, outcome="erasure-ended", subject_ref=subject_id.subject_ref)
    for _ in range(ATTEMPTS):
        subject = stores.subjects.read(subject_id)
        if subject.erasure is None or not all(map(_is_over, everything_of(stores, subject_id))):
            return
        with suppress(Contended):
            with trail.writing([ended]) as entries:
                stores.subjects.write(replace(subject, erasure=None), entries)
            return
    raise Contended("the subject changes too often")


def _is_over(record: Retained | Tombstone) -> bool:
    return isinstance(record, Tombstone) and record.is_swept
