"""Entry point of the function PlanPurge."""

from phone_vault.handlers.entry_point import EntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.plan_purge import PlanPurge

handler = EntryPoint(PlanPurge, build_job)
