"""Entry point of the function AdvanceRotation."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.advance_rotation import AdvanceRotation

handler = EntryPoint(AdvanceRotation, build_job)
