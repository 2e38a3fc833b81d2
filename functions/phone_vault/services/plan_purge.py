"""PlanPurge: what a purge would destroy now, for a person to look at before it is run."""

from datetime import datetime
from typing import Any

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import Conflict
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.purge_plan import Conditions
from phone_vault.services.job import Desk, Job
from phone_vault.services.purge_planning import PurgePlanning
from phone_vault.services.sealed_plans import SealedPlans


class PlanPurge(Job):
    """Writes the plan, and changes nothing else.

    What takes longer than a call is answered as `planning`: called again with the plan's id it goes on.
    """

    name = "PlanPurge"

    def __init__(self, desk: Desk, planning: PurgePlanning, plans: SealedPlans) -> None:
        super().__init__(desk)
        self._planning = planning
        self._plans = plans

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """Optional `tenant_id`, `unused_days`; or `plan_id` of one that is not made to its end, and nothing else."""
        conditions = Conditions(reader.optional_tenant_id(), reader.unused_days())
        plan_id = reader.optional_text("plan_id")
        if plan_id is not None and conditions != Conditions():
            reader.refuse("/plan_id", "stands alone: the plan has its conditions")
        reader.finish()
        if plan_id is None:
            if conditions.tenant_id is not None:
                self.desk.key_ring.refuse_off_boarded(conditions.tenant_id)
            plan = self._planning.begun(conditions, now, is_attended=True)
        else:
            plan = self._plans.read(plan_id, now)
            if not plan.is_attended:
                raise Conflict("the plan is that of a purge")
        if not plan.is_made:
            details: dict[str, str | int] = {"plan": plan.plan_id}
            if conditions.unused_days is not None:
                details["unused_days"] = conditions.unused_days
            self.desk.trail.record(
                [Event("planning-purge", caller, tenant_id=plan.conditions.tenant_id, details=details)]
            )
            plan = self._planning.gone_on_with(plan)
        return plan.answer()
