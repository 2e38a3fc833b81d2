"""Entry point of the function Offboard."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.offboard import Offboard

handler = EntryPoint(Offboard, build_job)
