"""Entry point of the function AdvanceRotation."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.advance_rotation import AdvanceRotation

handler = WorkerEntryPoint(AdvanceRotation, build_job)
