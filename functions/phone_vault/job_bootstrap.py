"""Puts a job together from its environment."""

from collections.abc import Callable, Mapping

from phone_vault.adapters.kms_keys import KmsKeys
from phone_vault.adapters.suppressions import DynamoSuppressionStore
from phone_vault.bootstrap import Application, Parts, parts_of
from phone_vault.domain.keys import UNWRAPPING, KeyState
from phone_vault.services.job import Desk, Job
from phone_vault.services.rotate_keys import RotateKeys
from phone_vault.settings import JobSettings, job_settings_from

_RESCUING = UNWRAPPING | {KeyState.RETIRED}
"""What jobs unwrap: after a restore of RecordKeys its rows may name versions that were retired since."""


def build_job(job: type[Job], environ: Mapping[str, str]) -> Application:
    """The function for one job."""
    parts = parts_of(job.name, job.mac_keys_from, environ, _RESCUING)
    made = _MAKERS[job](parts, job_settings_from(environ))
    return Application(made, parts.tally, None)


def _desk(parts: Parts) -> Desk:
    return Desk(parts.policy, parts.key_ring, parts.trail, parts.clock, parts.tally)


def _rotate_keys(parts: Parts, settings: JobSettings) -> Job:
    del settings
    suppressions = DynamoSuppressionStore(parts.tables, parts.settings.tables)
    return RotateKeys(_desk(parts), parts.key_ring_store, parts.wrapper, KmsKeys(parts.clients.kms), suppressions)


_MAKERS: Mapping[type[Job], Callable[[Parts, JobSettings], Job]] = {
    RotateKeys: _rotate_keys,
}
