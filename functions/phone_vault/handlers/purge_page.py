"""Entry point of the function PurgePage."""

from phone_vault.handlers.entry_point import WorkerEntryPoint
from phone_vault.job_bootstrap import build_job
from phone_vault.services.purge_page import PurgePage

handler = WorkerEntryPoint(PurgePage, build_job)
