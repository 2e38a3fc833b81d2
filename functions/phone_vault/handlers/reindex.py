"""Entry point of the function Reindex."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.reindex import Reindex

handler = WorkerEntryPoint(Reindex, build_job)
