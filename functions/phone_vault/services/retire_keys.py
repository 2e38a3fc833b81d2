"""RetireKeys: refuse a version that nothing is on any more; later, destroy it."""

from datetime import datetime, timedelta
from typing import Any

from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import Conflict, NotFound, StoreUnavailable, VersionInUse
from phone_vault.domain.job_ports import RunStore, VersionUses
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.keys import KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.moments import to_text
from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import ROTATED, Census
from phone_vault.services.job import Desk, Job
from phone_vault.services.key_versions import KeyVersions

_ATTEMPTS = 5


class RetireKeys(Job):
    """A census decides, not a promise: what cannot be proven unused stays in use."""

    name = "RetireKeys"

    def __init__(
        self, desk: Desk, versions: KeyVersions, runs: RunStore, uses: VersionUses, *, waiting_period: timedelta
    ) -> None:
        """`waiting_period`: from retiring to destroying. As long as a backup may bring records of a version back."""
        super().__init__(desk)
        self._versions = versions
        self._runs = runs
        self._uses = uses
        self._waiting_period = waiting_period

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """`use`, `version`; optional `tenant_id`, `destroy`, `reason`."""
        tenant_id, use = reader.tenant_id(), reader.required_one_of("use", tuple(map(str, ROTATED)))
        version, is_to_destroy = reader.version(), reader.flag("destroy")
        why = reader.reason()
        reader.finish()
        key_id = KeyId(tenant_id, KeyUse(use), version)
        for _ in range(_ATTEMPTS):
            key = self._found(key_id)
            try:
                after = (
                    self._destroyed(key, caller, now, why) if is_to_destroy else self._retired(key, caller, now, why)
                )
            except Contended:
                continue
            return {"tenant_id": tenant_id, "use": use, "version": version, "state": str(after.state)}
        raise StoreUnavailable("the tenant's keys change too often")

    def _found(self, key_id: KeyId) -> WrappedKey:
        keys = self._versions.store.keys_of(key_id.tenant_id)
        key = keys.version(key_id)
        if key is None or not keys.is_served:
            raise NotFound("the tenant has no such key version")
        return key

    def _retired(self, key: WrappedKey, caller: Caller, now: datetime, why: str | None) -> WrappedKey:
        if key.state in (KeyState.RETIRED, KeyState.DESTROYED):
            return key
        if key.state in (KeyState.PENDING, KeyState.ACTIVE):
            raise Conflict(f"the version is {key.state}: only one that another has taken the place of is retired")
        census = self._runs.census(key.key_id.tenant_id)
        if census is None or census.begun_at > now or not census.proves_unused(key, self.desk.wait):
            raise self._in_use(key, census)
        self._check_unused(key)
        return self._versions.move_on(key, KeyState.RETIRED, caller, why)

    def _destroyed(self, key: WrappedKey, caller: Caller, now: datetime, why: str | None) -> WrappedKey:
        if key.state is KeyState.DESTROYED:
            return key
        if key.state is not KeyState.RETIRED or key.changed_at is None:
            raise Conflict(f"the version is {key.state}: only a retired one is destroyed")
        ends_at = key.changed_at + self._waiting_period
        if now < ends_at:
            raise Conflict(f"a backup may still need the version: it can be destroyed from {to_text(ends_at)} on")
        census = self._runs.census(key.key_id.tenant_id)
        if census is not None and census.records_on(key.key_id):
            raise VersionInUse(census.records_on(key.key_id))
        self._check_unused(key)
        return self._versions.move_on(key, KeyState.DESTROYED, caller, why)

    def _check_unused(self, key: WrappedKey) -> None:
        """By looking: a restore may have brought records back since the census, or somebody have written another."""
        counted = self._uses.count(key.key_id)
        if counted:
            raise VersionInUse(counted)

    def _in_use(self, key: WrappedKey, census: Census | None) -> VersionInUse:
        counted = census.records_on(key.key_id) if census else 0
        return VersionInUse(counted or self._uses.count(key.key_id))
