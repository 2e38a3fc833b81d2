"""Entry point of the function AdvancePurge."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.advance_purge import AdvancePurge

handler = WorkerEntryPoint(AdvancePurge, build_job)
