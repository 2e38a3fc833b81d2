"""Puts a job together from its environment."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from phone_vault.adapters.counted_tables import DynamoCountedTables
from phone_vault.adapters.due_index import DynamoDueIndex
from phone_vault.adapters.indexed_records import DynamoIndexedRecords
from phone_vault.adapters.kept_numbers import DynamoKeptNumbers
from phone_vault.adapters.kms_keys import KmsKeys
from phone_vault.adapters.off_boarding import DynamoOffBoardingStore
from phone_vault.adapters.purge_plans import DynamoPlanStore
from phone_vault.adapters.purge_runs import DynamoPurgeRunStore
from phone_vault.adapters.receipts import DynamoReceiptStore
from phone_vault.adapters.retained import DynamoRetainedStore
from phone_vault.adapters.runs import DynamoRunStore
from phone_vault.adapters.signer import KmsSigner
from phone_vault.adapters.subjects import DynamoSubjectStore
from phone_vault.adapters.suppressions import DynamoSuppressionStore
from phone_vault.adapters.swept_index import DynamoSweptIndex
from phone_vault.adapters.tenant_records import DynamoTenantRecords
from phone_vault.adapters.vault_age import DynamoVaultAge
from phone_vault.adapters.version_uses import DynamoVersionUses
from phone_vault.adapters.wrapped_records import DynamoWrappedRecords
from phone_vault.bootstrap import Application, Parts, parts_of
from phone_vault.domain.keys import UNWRAPPING, KeyState
from phone_vault.services.advance_purge import AdvancePurge, AdvancePurgeParts
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.census import TakeCensus
from phone_vault.services.destruction import Destruction
from phone_vault.services.job import Desk, Job
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.offboard import Offboard, OffBoardingParts
from phone_vault.services.plan_purge import PlanPurge
from phone_vault.services.purge_page import PurgePage, PurgePageParts
from phone_vault.services.purge_planning import PlanningParts, PurgePlanning
from phone_vault.services.purge_runs import PurgeRuns
from phone_vault.services.receipts import Receipts
from phone_vault.services.reindex import Reindex
from phone_vault.services.reindexing import Reindexing
from phone_vault.services.retire_keys import RetireKeys
from phone_vault.services.rewrap import Rewrap
from phone_vault.services.rewrapping import Rewrapping
from phone_vault.services.rotate_keys import RotateKeys
from phone_vault.services.sealed_off_boardings import SealedOffBoardings
from phone_vault.services.sealed_plans import SealedPlans
from phone_vault.services.sealed_purge_runs import SealedPurgeRuns
from phone_vault.services.sweep_index import SweepIndex
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


def _versions(parts: Parts) -> KeyVersions:
    return KeyVersions(parts.key_ring_store, parts.wrapper, parts.trail, parts.clock, parts.tally)


def _runs(parts: Parts) -> DynamoRunStore:
    return DynamoRunStore(parts.tables, parts.settings.tables)


def _advance_rotation(parts: Parts, settings: JobSettings) -> Job:
    return AdvanceRotation(_desk(parts), _versions(parts), _runs(parts), shards=settings.shards)


def _retire_keys(parts: Parts, settings: JobSettings) -> Job:
    names = parts.settings.tables
    return RetireKeys(
        _desk(parts),
        _versions(parts),
        _runs(parts),
        DynamoVersionUses(parts.tables, names),
        waiting_period=timedelta(days=settings.key_recovery_days),
    )


def _receipts(parts: Parts, settings: JobSettings) -> Receipts:
    return Receipts(
        DynamoReceiptStore(parts.tables, parts.settings.tables),
        KmsSigner(parts.clients.kms, settings.receipt_key_arn),
        parts.trail,
        key_recovery=timedelta(days=settings.key_recovery_days),
    )


def _offboard(parts: Parts, settings: JobSettings) -> Job:
    names = parts.settings.tables
    return Offboard(
        _desk(parts),
        OffBoardingParts(
            versions=_versions(parts),
            records=DynamoTenantRecords(parts.tables, names),
            off_boardings=SealedOffBoardings(DynamoOffBoardingStore(parts.tables, names), parts.key_ring),
            receipts=_receipts(parts, settings),
        ),
    )


def _rewrap(parts: Parts, settings: JobSettings) -> Job:
    del settings
    rewrapping = Rewrapping(parts.record_keys, parts.key_ring, parts.wrapper, parts.tally)
    return Rewrap(_desk(parts), _runs(parts), DynamoWrappedRecords(parts.tables, parts.settings.tables), rewrapping)


def _reindex(parts: Parts, settings: JobSettings) -> Job:
    del settings
    reindexing = Reindexing(parts.record_keys, parts.key_ring)
    return Reindex(_desk(parts), _runs(parts), DynamoIndexedRecords(parts.tables, parts.settings.tables), reindexing)


def _census(parts: Parts, settings: JobSettings) -> Job:
    del settings
    tables = DynamoCountedTables(parts.tables, parts.settings.tables)
    return TakeCensus(_desk(parts), _runs(parts), tables, parts.key_ring_store)


def _sweep_index(parts: Parts, settings: JobSettings) -> Job:
    del settings
    index = DynamoSweptIndex(parts.tables, parts.settings.tables)
    return SweepIndex(_desk(parts), _runs(parts), index, parts.key_ring_store)


def _plans(parts: Parts) -> SealedPlans:
    return SealedPlans(DynamoPlanStore(parts.tables, parts.settings.tables), parts.key_ring)


def _planning(parts: Parts) -> PurgePlanning:
    tables, names = parts.tables, parts.settings.tables
    return PurgePlanning(
        parts.policy,
        parts.clock,
        PlanningParts(
            plans=_plans(parts),
            due_index=DynamoDueIndex(tables, names),
            retained=DynamoRetainedStore(tables, names),
            kept_numbers=DynamoKeptNumbers(tables, names),
            runs=DynamoPurgeRunStore(tables, names),
            age=DynamoVaultAge(tables, names),
            counted=DynamoCountedTables(tables, names),
            rotations=_runs(parts),
        ),
    )


def _plan_purge(parts: Parts, settings: JobSettings) -> Job:
    del settings
    return PlanPurge(_desk(parts), _planning(parts), _plans(parts))


def _purge_runs(parts: Parts) -> PurgeRuns:
    store = DynamoPurgeRunStore(parts.tables, parts.settings.tables)
    return PurgeRuns(SealedPurgeRuns(store, parts.key_ring))


def _advance_purge(parts: Parts, settings: JobSettings) -> Job:
    return AdvancePurge(
        _desk(parts),
        AdvancePurgeParts(_plans(parts), _planning(parts), _purge_runs(parts), _receipts(parts, settings)),
    )


def _purge_page(parts: Parts, settings: JobSettings) -> Job:
    del settings
    tables, names = parts.tables, parts.settings.tables
    retained = DynamoRetainedStore(tables, names)
    return PurgePage(
        _desk(parts),
        PurgePageParts(
            plans=_plans(parts),
            runs=_purge_runs(parts),
            retained=retained,
            subjects=DynamoSubjectStore(tables, names),
            due_index=DynamoDueIndex(tables, names),
            destruction=Destruction(retained, tombstone_days=parts.policy.tombstone_days),
        ),
    )


_MAKERS: Mapping[type[Job], Callable[[Parts, JobSettings], Job]] = {
    RotateKeys: _rotate_keys,
    AdvanceRotation: _advance_rotation,
    RetireKeys: _retire_keys,
    Offboard: _offboard,
    Rewrap: _rewrap,
    Reindex: _reindex,
    TakeCensus: _census,
    SweepIndex: _sweep_index,
    PlanPurge: _plan_purge,
    AdvancePurge: _advance_purge,
    PurgePage: _purge_page,
}
