"""Entry point of the function RotateKeys."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.rotate_keys import RotateKeys

handler = EntryPoint(RotateKeys, build_job)
