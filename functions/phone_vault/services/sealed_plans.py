"""Plans as they were made: each row under a MAC of the vault's own audit key, checked whenever it is read."""

import re
from dataclasses import replace
from datetime import datetime

from phone_vault.crypto import macs
from phone_vault.domain.errors import Conflict, NotFound, TamperedStore
from phone_vault.domain.ports import Contended
from phone_vault.domain.purge_plan import Plan, PlanPage, page_of, page_text, plan_of, plan_text
from phone_vault.domain.purge_ports import PlanStore, SealedText
from phone_vault.services.key_ring import KeyRing

PLAN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


class SealedPlans:
    """A row that somebody else has written, or put in another's place, is refused: `TamperedStore`."""

    def __init__(self, store: PlanStore, key_ring: KeyRing) -> None:
        self._store = store
        self._key_ring = key_ring

    def read(self, plan_id: str, now: datetime) -> Plan:
        """`NotFound` for a plan that there never was, or that has expired."""
        row = self._read(f"plan#{plan_id}") if PLAN_ID.fullmatch(plan_id) else None
        plan = plan_of(row.text) if row else None
        if plan is None or plan.expires_at <= now:
            raise NotFound("there is no such plan")
        return plan

    def save(self, plan: Plan) -> Plan:
        """With the next revision; `Conflict` if somebody else has gone on with it."""
        saved = replace(plan, revision=plan.revision + 1)
        try:
            self._store.write(*self._sealed(f"plan#{plan.plan_id}", plan_text(saved), plan), plan.revision)
        except Contended:
            raise Conflict("the plan is being made by another call") from None
        return saved

    def add_page(self, plan: Plan, number: int, page: PlanPage) -> None:
        """By whoever has saved the plan last: `Conflict` for anybody before him."""
        try:
            name = f"plan#{plan.plan_id}#{number}"
            self._store.write_page(*self._sealed(name, page_text(page), plan), plan.revision)
        except Contended:
            raise Conflict("the plan is being made by another call") from None

    def page(self, plan_id: str, number: int) -> PlanPage:
        """One of those that the plan has."""
        row = self._read(f"plan#{plan_id}#{number}")
        if row is None:
            raise TamperedStore("a plan lacks a page")
        return page_of(row.text)

    def _sealed(self, name: str, text: str, plan: Plan) -> tuple[str, SealedText]:
        return name, SealedText(text, self._seal(name, text), plan.expires_at)

    def _read(self, name: str) -> SealedText | None:
        row = self._store.read(name)
        if row is not None and not macs.equal(row.seal, self._seal(name, row.text)):
            raise TamperedStore("a row of a plan is not what was written")
        return row

    def _seal(self, name: str, text: str) -> bytes:
        return macs.plan_seal(self._key_ring.audit_key(None).key, name, text)
