"""Entry point of the function Rewrap."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.rewrap import Rewrap

handler = WorkerEntryPoint(Rewrap, build_job)
