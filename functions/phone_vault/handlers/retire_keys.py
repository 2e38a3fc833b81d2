"""Entry point of the function RetireKeys."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.retire_keys import RetireKeys

handler = EntryPoint(RetireKeys, build_job)
