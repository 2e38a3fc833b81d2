"""Entry point of the function Census."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.census import TakeCensus

handler = WorkerEntryPoint(TakeCensus, build_job)
