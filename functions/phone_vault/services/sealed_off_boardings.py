"""Off-boardings as they were left: each under a MAC of the vault's own audit key, checked whenever it is read."""

from dataclasses import replace

from phone_vault.crypto import macs
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.off_boarding import OffBoarding, off_boarding_of, off_boarding_text
from phone_vault.domain.receipt_ports import OffBoardingStore, SealedOffBoarding
from phone_vault.services.key_ring import KeyRing


class SealedOffBoardings:
    """A receipt says what stands in them: a row that somebody else has written is `TamperedStore`."""

    def __init__(self, store: OffBoardingStore, key_ring: KeyRing) -> None:
        self._store = store
        self._key_ring = key_ring

    def read(self, tenant_id: str) -> OffBoarding | None:
        """None before it was begun."""
        row = self._store.read(tenant_id)
        if row is None:
            return None
        if not macs.equal(row.seal, self._seal(tenant_id, row.text)):
            raise TamperedStore("a row of an off-boarding is not what was written")
        off_boarding = off_boarding_of(tenant_id, row.text)
        if off_boarding.revision != row.revision:
            raise TamperedStore("a row of an off-boarding has another revision than was written")
        return off_boarding

    def save(self, off_boarding: OffBoarding) -> OffBoarding:
        """With the next revision; `Contended` if another call has gone on with it."""
        saved = replace(off_boarding, revision=off_boarding.revision + 1)
        text = off_boarding_text(saved)
        row = SealedOffBoarding(text, self._seal(saved.tenant_id, text), saved.revision)
        self._store.write(saved.tenant_id, row)
        return saved

    def _seal(self, tenant_id: str, text: str) -> bytes:
        # Not the tenant's own audit key: to instances that start after it has left it is no tenant any more.
        return macs.off_boarding_seal(self._key_ring.audit_key(None).key, tenant_id, text)
