"""Issuing receipts: signed, stored once under a name with the audit entry that tells of it, and read back checked."""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from phone_vault.crypto.receipts import ReceiptRefused, checked
from phone_vault.domain import merkle
from phone_vault.domain.audit import Event
from phone_vault.domain.errors import StoreUnavailable, TamperedStore
from phone_vault.domain.ports import Contended
from phone_vault.domain.receipt_ports import ReceiptStore, Signer
from phone_vault.domain.receipts import (
    MOST_LEAVES,
    Destroyed,
    LeafRows,
    ReceiptKind,
    SaltedToken,
    are_those_of,
    canonical,
    fingerprint_of,
    occasion_of,
    signed,
    signed_bytes,
)
from phone_vault.services.audit_trail import AuditTrail


class Receipts:
    """The one place where receipts are made."""

    def __init__(self, store: ReceiptStore, signer: Signer, trail: AuditTrail, *, key_recovery: timedelta) -> None:
        self._store = store
        self._signer = signer
        self._trail = trail
        self.key_recovery = key_recovery
        """For how long a destroyed record key, or an entry of the index, can be restored from a backup."""

    def stored(self, name: str, kind: ReceiptKind, tenant_id: str | None) -> Mapping[str, Any] | None:
        """The one that was issued under this name.

        `TamperedStore` for one that the Receipt key has not signed, or has signed under another name.
        """
        stored = self._store.read(name)
        if stored is None:
            return None
        try:
            receipt = checked(canonical(stored), self._signer.public_key())
        except ReceiptRefused:
            raise TamperedStore("a stored receipt is not what was signed") from None
        said = (receipt["kind"], receipt["tenant_id"], receipt["occasion"])
        if said != (kind, tenant_id, occasion_of(name)):
            raise TamperedStore("a stored receipt is that of something else")
        return receipt

    def issue(self, name: str, destroyed: Destroyed, event: Event) -> Mapping[str, Any]:
        """Sign and store it with an audit entry of this event, which gets to know the receipt's id.

        If there is one of this name already, that is the receipt.
        """
        unsigned = replace(self._within_bounds(name, destroyed), occasion=occasion_of(name)).unsigned()
        signature = base64.b64encode(self._signer.sign(signed_bytes(unsigned))).decode()
        receipt = signed(unsigned, signature, fingerprint_of(self._signer.public_key()))
        event = replace(event, details={**event.details, "receipt": receipt["id"]})
        try:
            with self._trail.writing([event]) as [entry]:
                self._store.add(name, receipt, entry)
        except Contended:
            issued = self.stored(name, destroyed.kind, destroyed.tenant_id)
            if issued is None:
                raise StoreUnavailable("the receipt is being issued by another call") from None
            self._trail.record([replace(event, details={**event.details, "receipt": issued["id"]})])
            return issued
        return receipt

    def whole(self, receipt: Mapping[str, Any]) -> Mapping[str, Any]:
        """The receipt with all its leaves, wherever they are; `TamperedStore` if they are not those it binds."""
        tokens = receipt["tokens"]
        if "under" not in tokens:
            return receipt
        leaves = [leaf for row in range(tokens["rows"]) for leaf in self._store.leaves(tokens["under"], row)]
        if not are_those_of(tokens, leaves):
            raise TamperedStore("the leaves of a receipt are not those that were signed")
        return {**receipt, "leaves": [leaf.as_json() for leaf in leaves]}

    def keep_leaves(self, under: str, rows: Iterable[list[SaltedToken]]) -> LeafRows:
        """Store rows of leaves, 1,000 each at most, before the receipt that says where they are."""
        tree, salts, row = merkle.GrowingTree(), hashlib.sha256(), 0
        for leaves in rows:
            self._store.add_leaves(under, row, leaves)
            row += 1
            for leaf in leaves:
                tree.add(leaf.hash)
                salts.update(leaf.salt)
        return LeafRows(under, row, tree.root(), salts.digest(), tree.count)

    def _within_bounds(self, name: str, destroyed: Destroyed) -> Destroyed:
        leaves = sorted(destroyed.tokens, key=lambda leaf: leaf.hash)
        if len(leaves) <= MOST_LEAVES:
            return destroyed
        # Not under the name alone: of two calls at once one issues the receipt, and its leaves must not be the other's.
        rows = (leaves[at : at + MOST_LEAVES] for at in range(0, len(leaves), MOST_LEAVES))
        return replace(destroyed, tokens=(), elsewhere=self.keep_leaves(f"{name}#{secrets.token_hex(8)}", rows))
