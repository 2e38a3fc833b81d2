"""One entry per operation and refusal, chained by the instance that writes them."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from phone_vault.crypto.macs import audit_mac
from phone_vault.domain.audit import BEGINNING, Entry, Event, Place, about, canonical_text
from phone_vault.domain.errors import AuditUnavailable, KeyUnavailable, StoreUnavailable
from phone_vault.domain.moments import to_text
from phone_vault.domain.ports import AuditLog, Clock, Contended, NotWritten
from phone_vault.services.key_ring import AuditKey, KeyRing


class AuditTrail:
    """The chain of one writer, `function#writer`: entries are numbered from 1 and name the digest of the one before.

    A writer is an instance of a function. After a write of which nobody can say whether it happened, it begins a new
    chain: numbering on would leave a gap or a fork where none may be.
    """

    def __init__(self, function: str, log: AuditLog, key_ring: KeyRing, clock: Clock) -> None:
        self._function = function
        self._log = log
        self._key_ring = key_ring
        self._clock = clock
        self._lock = threading.Lock()
        self._begin_chain()

    def record(self, events: Sequence[Event]) -> None:
        """Write the entries of these events, all or none; `AuditUnavailable` if that fails."""
        try:
            with self.writing(events) as entries:
                self._log.append(entries)
        except (Contended, StoreUnavailable):
            raise AuditUnavailable("the audit trail cannot be written") from None

    @contextmanager
    def writing(self, events: Sequence[Event]) -> Iterator[list[Entry]]:
        """The entries of these events, for the caller to write together with what they describe.

        The chain moves on when the block ends, stays where it is when nothing was written (`NotWritten`), and is
        given up after any other failure.
        """
        with self._lock:
            entries = self._entries(events)
            try:
                yield entries
            except NotWritten:
                raise
            except BaseException:
                self._begin_chain()
                raise
            self._sequence += len(entries)
            self._head = entries[-1].digest

    def _begin_chain(self) -> None:
        self._chain = f"{self._function}#{uuid.uuid4().hex}"
        self._sequence = 0
        self._head = BEGINNING

    def _entries(self, events: Sequence[Event]) -> list[Entry]:
        at = self._clock.now()
        entries: list[Entry] = []
        audit_key = self._audit_keys()
        for sequence, event in enumerate(events, self._sequence + 1):
            previous = entries[-1].digest if entries else self._head
            key = audit_key(event.tenant_id)
            text = canonical_text(event, Place(self._chain, sequence, previous, key.name), at)
            mac = audit_mac(key.key, text.encode())
            entries.append(Entry(self._chain, sequence, to_text(at), about(event), text, mac))
        return entries

    def _audit_keys(self) -> Callable[[str | None], AuditKey]:
        """Each tenant's audit key, asked for once in a write even if the tenant has none."""

        @cache
        def audit_key(tenant_id: str | None) -> AuditKey:
            try:
                return self._key_ring.audit_key(tenant_id)
            except (KeyUnavailable, StoreUnavailable):
                raise AuditUnavailable("the audit trail's key is not available") from None

        return audit_key
