"""AdvanceRotation: what a Rotation decides between its passes over the records."""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import NotFound, TamperedStore
from phone_vault.domain.job_ports import RunStore
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.keys import VAULT, KeyState, KeyUse, RotationReason, TenantKeys, WrappedKey
from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import DONE, FAILED, ROTATED, Census, Run, Step
from phone_vault.services.censuses import Censuses, census_of_versions
from phone_vault.services.current_run import current_run, overtaken
from phone_vault.services.job import Desk, Perform, SteppedWorker
from phone_vault.services.key_versions import KeyVersions

RESUMED_FOR = timedelta(days=1)
"""After which an unfinished Rotation is not resumed: what it counted is too old to tell of."""
MOST_TOLD = 1_000
"""Versions in an answer: a state holds 256 KB, and each tenant's last census tells of all of them."""
_ROTATE = ("due", "none")
_USES = tuple(map(str, ROTATED))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The input of the state machine."""

    rotate: str
    tenant_id: str | None
    use: str | None
    reason: str | None
    re_encrypt: bool

    def for_rotate_keys(self) -> dict[str, str]:
        """The request to RotateKeys that it comes down to."""
        stated = {"tenant_id": self.tenant_id, "use": self.use, "reason": self.reason}
        return {field: value for field, value in stated.items() if value is not None}


class AdvanceRotation(SteppedWorker):
    """Each step can be repeated: it looks at the key ring as it is, and moves on what may be moved on.

    One tenant whose keys change meanwhile is left for the next Rotation and stops no other.
    """

    name = "AdvanceRotation"

    def __init__(self, desk: Desk, versions: KeyVersions, runs: RunStore, *, shards: int) -> None:
        super().__init__(desk)
        self._versions = versions
        self._runs = runs
        self._censuses = Censuses(runs)
        self._shards = shards

    def steps(self) -> Mapping[str, Perform]:
        """They take `rotation` to plan and begin, else `run_id`."""
        return {
            "plan": self._plan,
            "begin": self._begin,
            "settle": self._settle,
            "close": self._close,
            "finish": self._finish,
        }

    def _plan(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """The state machine's input, looked at before anything is done: whether to rotate, and with which request."""
        del caller
        asked = _asked_in(reader, now)
        if asked.tenant_id is not None and not self._versions.store.keys_of(asked.tenant_id).is_served:
            raise NotFound("there is no such tenant")
        return {"rotate": asked.rotate != "none", "rotate_keys": asked.for_rotate_keys()}

    def _begin(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """A run, or the one that was not finished, if the keys are as it found them."""
        asked = _asked_in(reader, now)
        tenants = self._tenants(asked.tenant_id, caller)
        latest = self._runs.latest()
        run = Run(
            run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            begun_at=now,
            shards=self._shards,
            tenant_id=asked.tenant_id,
            re_encrypt=asked.re_encrypt,
            fingerprint=self._fingerprint(tenants),
        )
        if latest is not None and _goes_on_as(run, latest):
            run = latest
        else:
            self._save(run, latest)
        versions = [key for keys in tenants.values() for key in keys.keys]
        return {
            "run_id": run.run_id,
            "shards": list(range(run.shards)),
            "wait_seconds": int(self.desk.wait.total_seconds()),
            "compromised": any(map(_is_left_first, versions)),
            "re_encrypting": run.re_encrypt,
            "reindexing": any(keys.pending(KeyUse.INDEX) for keys in tenants.values()),
        }

    def _settle(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """Index versions that every record stands in, by a census of after the wait, are read from now on."""
        del now
        run = self._run(reader)
        tenants = self._tenants(run.tenant_id, caller)
        # What has become pending since the run began is the next one's: this one has counted nothing for it.
        if self._censuses.is_begun(run, Step.FIRST_CENSUS):
            for tenant_id, census in self._censuses.take(run, Step.FIRST_CENSUS, tenants).items():
                with self._by_itself(tenant_id, caller):
                    self._activate_filled(tenants[tenant_id], census, caller)
        versions = [key for keys in self._tenants(run.tenant_id, caller).values() for key in keys.of_use(KeyUse.INDEX)]
        return {"sweeping": any(key.state in (KeyState.DECRYPT_ONLY, KeyState.CLOSED) for key in versions)}

    def _activate_filled(self, keys: TenantKeys, census: Census, caller: Caller) -> None:
        pending = keys.pending(KeyUse.INDEX)
        if pending is None or not pending.proven or not census.proves_filled(pending, self.desk.wait):
            return
        self._versions.activate(keys, pending, pending.made_for, caller)

    def _close(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """Nobody reads the superseded index versions any more: from now on nobody writes them either."""
        run = self._run(reader)
        for tenant_id, keys in self._tenants(run.tenant_id, caller).items():
            for key in keys.of_use(KeyUse.INDEX):
                is_read_by_none = key.changed_at is not None and key.changed_at + self.desk.wait <= now
                if key.state is KeyState.DECRYPT_ONLY and is_read_by_none:
                    with self._by_itself(tenant_id, caller):
                        self._versions.move_on(key, KeyState.CLOSED, caller)
        return {}

    def _finish(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """The last census, what it lets retire, and what the Rotation has done."""
        del now
        run = self._run(reader)
        tenants = self._tenants(run.tenant_id, caller)
        censuses = self._censuses.take(run, Step.LAST_CENSUS, tenants)
        for tenant_id, census in censuses.items():
            for key in tenants[tenant_id].keys:
                if census.proves_unused(key, self.desk.wait):
                    with self._by_itself(tenant_id, caller):
                        self._versions.move_on(key, KeyState.RETIRED, caller)
        counted = {step: self._censuses.counted(run, step) for step in Step}
        self._save(replace(run, finished=True), run)
        return {
            "rewrapped": counted[Step.REWRAP_FIRST][DONE] + counted[Step.REWRAP][DONE],
            "reindexed": counted[Step.REINDEX][DONE],
            "re_encrypted": counted[Step.RE_ENCRYPT][DONE],
            # The same record fails in each pass that it stops; REWRAP meets all that REWRAP_FIRST has met.
            "failed": max(counted[step][FAILED] for step in (Step.REWRAP, Step.RE_ENCRYPT, Step.REINDEX, Step.SWEEP)),
            **_told("census", census_of_versions(tenants, censuses, run.begun_at)),
            "retired": self._retired_since(run, caller)[:MOST_TOLD],
            "out_of_reach": {each: census.out_of_reach for each, census in censuses.items() if census.out_of_reach},
        }

    def _retired_since(self, run: Run, caller: Caller) -> list[str]:
        """What the run has retired, whichever call of its last step it was; a wait lies between that and its begin."""
        return sorted(
            key.key_id.path
            for keys in self._tenants(run.tenant_id, caller).values()
            for key in keys.keys
            if key.state is KeyState.RETIRED and key.changed_at is not None and key.changed_at > run.begun_at
        )

    def _save(self, run: Run, before: Run | None) -> None:
        try:
            self._runs.save_run(run, before)
        except Contended:
            raise overtaken() from None

    def _tenants(self, tenant_id: str | None, caller: Caller) -> dict[str, TenantKeys]:
        """Those that are served, with their keys as they are now; one whose keys do not read stops no other."""
        if tenant_id is not None:
            return self._served(tenant_id)
        found: dict[str, TenantKeys] = {}
        for each in self._versions.store.tenants():
            if each != VAULT:
                with self._by_itself(each, caller):
                    found |= self._served(each)
        return found

    def _served(self, tenant_id: str) -> dict[str, TenantKeys]:
        keys = self._versions.store.keys_of(tenant_id)
        return {tenant_id: keys} if keys.off_boarded_at is None else {}

    @contextmanager
    def _by_itself(self, tenant_id: str, caller: Caller) -> Iterator[None]:
        """What is done for one tenant. If it cannot be now, the next Rotation looks again, and the others go on."""
        try:
            yield
        except Contended:
            pass  # somebody else moves the tenant's keys
        except TamperedStore:
            # By the vault's own audit key: the fault may be the tenant's.
            self.note(Event("failed", caller, details={"whose": tenant_id, "problem": "tampered-store"}))

    def _fingerprint(self, tenants: Mapping[str, TenantKeys]) -> str:
        """Of what a Rotation moves records to and from."""
        digest = hashlib.sha256()
        for tenant_id, keys in sorted(tenants.items()):
            settings = self.desk.policy.tenant(tenant_id)
            states = sorted(f"{key.key_id.path}={key.state}" for key in keys.keys)
            digest.update(repr((tenant_id, str(settings.wrapping), settings.kms_key, states)).encode())
        return digest.hexdigest()

    def _run(self, reader: JobReader) -> Run:
        run_id = reader.run_id()
        reader.finish()
        return current_run(self._runs, run_id)


def _is_left_first(key: WrappedKey) -> bool:
    """Whether records are wrapped under a version that others may know. Of an index version wrapping moves nothing."""
    return key.key_id.use is KeyUse.BRANCH and key.compromised and key.state is KeyState.DECRYPT_ONLY


def _asked_in(reader: JobReader, now: datetime) -> _Asked:
    rotation = reader.part("rotation", now)
    asked = _Asked(
        rotate=rotation.one_of("rotate", _ROTATE) or "due",
        tenant_id=rotation.optional_tenant_id(),
        use=rotation.one_of("use", _USES),
        reason=rotation.one_of("reason", tuple(RotationReason)),
        re_encrypt=rotation.flag("re_encrypt"),
    )
    reader.finish()
    rotation.finish()
    return asked


def _goes_on_as(run: Run, latest: Run) -> bool:
    """Whether the latest one was left unfinished and is the same: then its cursors still hold."""
    is_same = replace(run, run_id=latest.run_id, begun_at=latest.begun_at) == latest
    return is_same and run.begun_at - latest.begun_at < RESUMED_FOR


def _told(name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """All of them, or, of very many, first those that something is still on; and how many were left out."""
    told = sorted(counts.items(), key=lambda each: (not each[1], each[0]))[:MOST_TOLD]
    left_out = len(counts) - len(told)
    return {name: dict(sorted(told)), **({f"{name}_left_out": left_out} if left_out else {})}
