"""RotateKeys: new versions of branch and index keys, new material of KMS keys, and rows on the KMS keys meant."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import Conflict, KeyUnavailable, NotFound, Refusal, StoreUnavailable, TamperedStore
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.keys import VAULT, KeyId, KeyState, KeyUse, RotationReason, TenantKeys, WrappedKey
from phone_vault.domain.moments import to_second
from phone_vault.domain.ports import Contended, KeyMover, KeyVersionStore, KmsKeyRotations, SuppressionStore
from phone_vault.domain.problems import PROBLEM_TYPES
from phone_vault.domain.rotation import ROTATED, Succession, is_due
from phone_vault.services.job import Desk, Job
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.relayering import relayer
from phone_vault.services.tally import Measure

KMS = "kms"
ON_DEMAND_ROTATIONS = 25
"""For the life of a KMS key. Source: KMS Developer Guide, "Perform on-demand key rotation"."""
ROWS_MOVED_FOR = timedelta(days=1)
"""After which a rotation on demand that has left rows behind is not gone on with: what cannot be moved would otherwise
keep all other rows from ever being wrapped anew."""
_USES = (str(KeyUse.BRANCH), str(KeyUse.INDEX), str(KeyUse.SUPPRESS), KMS)
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked for."""

    caller: Caller
    now: datetime
    reason: RotationReason
    only_if_due: bool


@dataclass(slots=True)
class _Done:
    """What was done, and what could not be."""

    rotated: list[Succession] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class _Material:
    """What a KMS key encrypts with, counted from 1."""

    version: int
    since: datetime
    is_of_this_call: bool

    def is_newer_than(self, row: WrappedKey) -> bool:
        """Whether the row was, or may have been, wrapped before it was there; rows know their moments to the second."""
        if self.is_of_this_call:
            return True
        return row.created_at <= self.since if row.moved_at is None else row.moved_at < self.since


class RotateKeys(Job):
    """Each version in a transaction of its own, each step repeatable; a tenant that fails stops no other.

    A branch version is in use when the call ends. An index version stays pending: a Rotation fills it first.
    """

    name = "RotateKeys"

    def __init__(
        self,
        desk: Desk,
        store: KeyVersionStore,
        mover: KeyMover,
        kms_keys: KmsKeyRotations,
        suppressions: SuppressionStore,
    ) -> None:
        super().__init__(desk)
        self._store = store
        self._versions = KeyVersions(store, mover, desk.trail, desk.clock, desk.tally)
        self._kms_keys = kms_keys
        self._suppressions = suppressions

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """Optional `use`, `tenant_id`, `reason`."""
        use, tenant_id = reader.one_of("use", _USES), reader.optional_tenant_id()
        stated = reader.one_of("reason", tuple(RotationReason))
        reader.finish()
        reason = RotationReason(stated) if stated else RotationReason.SCHEDULED
        is_compromise = reason is RotationReason.COMPROMISE
        due = use is None and not is_compromise
        # The digests of suppressed numbers are under a key of their own, which is not rotated by age.
        uses = (*ROTATED, KeyUse.SUPPRESS) if is_compromise else ROTATED
        order = _Order(caller, now, reason, only_if_due=due)
        tenants = self._tenants(tenant_id)
        done = _Done()
        if use == KMS:
            self._rotate_kms_keys(tenants, order, done)
        else:
            for each in tenants:
                for one in uses if use is None else (KeyUse(use),):
                    with self._reported(done, order, each, one):
                        self._rotate(each, one, order, done)
                with self._reported(done, order, each, KMS):
                    self._move_rows(each, _is_never_behind, order.caller, now)
        if (tenant_id is not None or use == KMS) and done.refusal is not None and not done.rotated:
            raise done.refusal
        return {
            "rotated": [_as_json(each) for each in done.rotated],
            **({"failed": done.failed} if done.failed else {}),
        }

    def _tenants(self, tenant_id: str | None) -> list[str]:
        if tenant_id is None:
            try:
                return list(self._store.tenants())
            except StoreUnavailable:
                self.desk.tally.count(Measure.ROTATION_FAILURES)
                raise
        if not self._store.keys_of(tenant_id).is_served:
            raise NotFound("there is no such tenant")
        return [tenant_id]

    def _rotate(self, tenant_id: str, use: KeyUse, order: _Order, done: _Done) -> None:
        """Make, prove, activate; whoever comes second at any of these goes on from what the first has written."""
        made = before = None
        for _ in range(_ATTEMPTS):
            keys = self._store.keys_of(tenant_id)
            active, pending = keys.active(use), keys.pending(use)
            if tenant_id == VAULT or keys.off_boarded_at is not None:
                return  # the vault itself has an audit key alone, and a tenant that has left has none
            if active is None and use not in ROTATED:
                return  # not needed yet
            if active is None:
                raise TamperedStore("a tenant's keys are incomplete")
            is_wanted = not order.only_if_due or is_due(active, self.desk.policy.rotation, order.now)
            if made is None and pending is None and not is_wanted:
                return
            newest = keys.newest(use) or active
            made = made or (pending.key_id if pending else newest.key_id.next())
            before = before or active.key_id.version
            present = keys.version(made)
            try:
                if present is None:
                    self._versions.make(made, active, order.reason, order.caller)
                elif present.state is not KeyState.PENDING:
                    self._condemn_the_one_before(keys, present, order)
                    break
                else:
                    present = self._versions.prove(present, order.caller)
                    if use is KeyUse.INDEX:
                        if order.reason is RotationReason.COMPROMISE:
                            self._versions.note_compromise(present, order.caller)
                        break
                    self._versions.activate(keys, present, order.reason, order.caller)
            except Contended:
                continue
        else:
            raise StoreUnavailable("the tenant's keys change too often")
        if use is KeyUse.SUPPRESS:
            # A version that failed its proof is no layer: nothing was ever put under it.
            layers = [
                key.key_id.version for key in keys.of_use(use) if key.wrapped and key.key_id.version <= made.version
            ]
            relayer(self._suppressions, tenant_id, layers, partial(self._versions.key_of, keys, use))
        done.rotated.append(Succession(tenant_id, str(use), before, made.version, present.state))

    def _condemn_the_one_before(self, keys: TenantKeys, present: WrappedKey, order: _Order) -> None:
        """Whoever activated the version, if it was another rotation, did not know that others may know the last one."""
        superseded = [key for key in keys.of_use(present.key_id.use) if key.state is KeyState.DECRYPT_ONLY]
        if order.reason is RotationReason.COMPROMISE and superseded and not superseded[-1].compromised:
            self._versions.condemn(superseded[-1], order.caller)

    def _rotate_kms_keys(self, tenants: Sequence[str], order: _Order, done: _Done) -> None:
        """Once for each KMS key that these tenants have, then every row of theirs, the audit keys' too."""
        by_kms_key: dict[str, dict[str, TenantKeys]] = {}
        for tenant_id in tenants:
            with self._reported(done, order, tenant_id, KMS):
                keys = self._store.keys_of(tenant_id)
                if keys.is_served:
                    by_kms_key.setdefault(self._versions.kms_key_of(tenant_id), {})[tenant_id] = keys
        for kms_key, served in by_kms_key.items():
            material = None
            with self._reported(done, order, kms_key, KMS):
                material = self._new_material(kms_key, served.values(), order.now)
            if material is None:
                continue
            for tenant_id in served:
                with self._reported(done, order, tenant_id, KMS):
                    # By this clock or by KMS's, whichever is ahead: so that the next call takes no row for left behind.
                    moved_at = max(_full_second(self.desk.clock.now()), _full_second(material.since))
                    self._move_rows(tenant_id, material.is_newer_than, order.caller, moved_at)
                    if tenant_id != VAULT:
                        rotated = Succession(tenant_id, KMS, material.version - 1, material.version, KeyState.ACTIVE)
                        done.rotated.append(rotated)

    def _new_material(self, kms_key: str, served: Iterable[TenantKeys], now: datetime) -> _Material:
        """Rotate the key, unless the last call did and was stopped before it had moved all rows."""
        before = self._kms_keys.rotations(kms_key)
        if before.last_on_demand is not None and now < before.last_on_demand + ROWS_MOVED_FOR:
            unfinished = _Material(1 + before.of_any_kind, before.last_on_demand, is_of_this_call=False)
            rows = [row for keys in served for row in keys.keys if not _is_destroyed(row)]
            if any(map(unfinished.is_newer_than, rows)):
                return unfinished
        if before.on_demand >= ON_DEMAND_ROTATIONS:
            raise Conflict(f"the KMS key has had its {ON_DEMAND_ROTATIONS} rotations on demand; name a new one")
        self._kms_keys.rotate(kms_key)
        after = self._kms_keys.rotations(kms_key)
        if after.last_on_demand is None or after.on_demand <= before.on_demand:
            # Until it is listed KMS may still encrypt with the old material, and the rows would stay under that.
            raise KeyUnavailable("KMS is still making the key's new material; the rows are moved when asked again")
        return _Material(1 + after.of_any_kind, after.last_on_demand, is_of_this_call=True)

    def _move_rows(
        self, tenant_id: str, is_behind: Callable[[WrappedKey], bool], caller: Caller, moved_at: datetime
    ) -> None:
        """Re-encrypt by KMS what is behind, or under another KMS key than the policy means."""
        moved: set[KeyId] = set()
        for _ in range(_ATTEMPTS):
            rows = [
                row
                for row in self._store.keys_of(tenant_id).keys
                if not _is_destroyed(row) and row.key_id not in moved
                if is_behind(row) or not self._versions.is_in_place(row)
            ]
            try:
                for row in rows:
                    self._versions.rewrap(row, caller, moved_at)
                    moved.add(row.key_id)
            except Contended:
                continue
            return
        raise StoreUnavailable("the tenant's keys change too often")

    @contextmanager
    def _reported(self, done: _Done, order: _Order, whose: str, use: str) -> Iterator[None]:
        """What fails for one tenant or KMS key is told, in the trail too, and the others go on."""
        try:
            yield
        except Refusal as refusal:
            problem = PROBLEM_TYPES[type(refusal)].name
            done.refusal = done.refusal or refusal
        except TamperedStore:
            problem = "tampered-store"
        else:
            return
        failed = {"whose": whose, "use": str(use), "problem": problem}
        done.failed.append(failed)
        self.desk.tally.count(Measure.ROTATION_FAILURES)
        # By the vault's own audit key: what failed may be the tenant's.
        self.note(Event("failed", order.caller, details=failed))


def _is_never_behind(row: WrappedKey) -> bool:
    del row
    return False


def _is_destroyed(row: WrappedKey) -> bool:
    return row.state is KeyState.DESTROYED


def _full_second(moment: datetime) -> datetime:
    """The first one that is not before the moment."""
    return to_second(moment + timedelta(microseconds=999_999))


def _as_json(rotated: Succession) -> dict[str, Any]:
    return {
        "tenant_id": rotated.tenant_id,
        "use": rotated.use,
        "from": rotated.before,
        "to": rotated.after,
        "state": str(rotated.state),
    }
