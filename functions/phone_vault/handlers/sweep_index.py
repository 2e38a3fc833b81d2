"""Entry point of the function SweepIndex."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.sweep_index import SweepIndex

handler = WorkerEntryPoint(SweepIndex, build_job)
