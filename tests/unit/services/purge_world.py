"""Purges on fakes, beside the functions for applications and for privacy teams over the same records."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest

from phone_vault.crypto.receipts import checked
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.policy_file import parse
from phone_vault.domain.ports import RecordId
from phone_vault.domain.receipts import names_token
from phone_vault.domain.rotation import Census
from phone_vault.services.advance_purge import AdvancePurge, AdvancePurgeParts
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.destruction import Destruction
from phone_vault.services.job import Desk
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.plan_purge import PlanPurge
from phone_vault.services.purge_page import PurgePage, PurgePageParts
from phone_vault.services.purge_planning import PlanningParts, PurgePlanning
from phone_vault.services.purge_runs import PurgeRuns
from phone_vault.services.receipts import Receipts
from phone_vault.services.sealed_plans import SealedPlans
from phone_vault.services.sealed_purge_runs import SealedPurgeRuns
from phone_vault.services.tally import Tally
from tests.fakes import Killed, MemoryAuditLog, MemoryCountedTables, MemoryRunStore
from tests.fakes.purging import (
    MemoryDueIndex,
    MemoryKeptNumbers,
    MemoryPlanStore,
    MemoryPurgedStore,
    MemoryPurgeRunStore,
    MemoryVaultAge,
)
from tests.unit.receipts import file_of
from tests.unit.samples import POLICY
from tests.unit.services.rights_world import KEY_RECOVERY, SUBJECT, RightsWorld

MACHINE = direct_caller(None)
OPERATOR = direct_caller("operator")
UNBROKEN: Mapping[str, Any] = {**POLICY, "circuit_breaker": 1.0}
"""Of which a purge that nobody has planned may destroy everything."""
MOST_CALLS = 1000


@dataclass
class PurgeWorld(RightsWorld):
    """Every call of a job is that of a cold instance; whatever happens around the calls of ports is `disturbances`."""

    policy: Mapping[str, Any] = field(default_factory=lambda: UNBROKEN)
    is_log_watched: bool = True
    """Not where threads take turns: stores append to the log while they hold a lock that others wait for."""

    def __post_init__(self) -> None:
        self.log = MemoryAuditLog(self.disturbances if self.is_log_watched else None)
        super().__post_init__()
        self.retained: MemoryPurgedStore = MemoryPurgedStore(self.log, self.tables, self.disturbances)
        self.due_index = MemoryDueIndex(self.retained, self.parsed, self.disturbances)
        self.kept_numbers = MemoryKeptNumbers(self.tables, self.disturbances)
        self.plans = MemoryPlanStore(self.disturbances)
        self.runs = MemoryPurgeRunStore(self.disturbances)
        self.rotations = MemoryRunStore(self.disturbances)
        self.age = MemoryVaultAge(self.key_ring_store, self.disturbances)
        self.counted = MemoryCountedTables(self.tables, self.disturbances)
        self.start()

    def parsed(self) -> VaultPolicy:
        """The policy as functions have it."""
        return parse(self.policy)

    def under(self, **changes: Any) -> None:
        """Deploy another policy: all functions anew."""
        self.policy = {**self.policy, **changes}
        for verb in list(self.functions.values())[:6]:
            self.functions[verb.name] = type(verb)(**self.ports(verb.name, verb.mac_keys_from))
        self.start()

    # What is done to numbers meanwhile.

    def hold(self, token: str, case_id: str = "case 7") -> None:
        """Place one."""
        self._right("Hold", token, action="place", case_id=case_id, reason="court order")

    def release(self, token: str, case_id: str = "case 7") -> None:
        """Take it back."""
        self._right("Hold", token, action="release", case_id=case_id)

    def restrict(self, token: str) -> None:
        """Restrict its use."""
        self._right("Restrict", token, action="restrict", ground="accuracy")

    def lift(self, token: str) -> None:
        """Take that back."""
        self._right("Restrict", token, action="lift")

    def _right(self, function: str, token: str, **request: str) -> None:
        answer = self.call(function, {"token": token, **request})
        assert answer["updated"] == [token], answer

    def counted_by_census(self, stored_numbers: int, tenant_id: str = "default") -> None:
        """As the last Rotation has counted."""
        self.rotations.save_census(Census(tenant_id, self.clock.now(), {}, stored_numbers, 0))

    def spoil(self, token: str, tenant_id: str = "default") -> None:
        """Make a row one that does not read."""
        self.tables.unreadable.add((tenant_id, token))

    # The jobs.

    def plan_purge(self) -> PlanPurge:
        """A cold instance."""
        desk = self._desk(PlanPurge.name)
        return PlanPurge(desk, self._planning(desk), SealedPlans(self.plans, desk.key_ring))

    def advance_purge(self) -> AdvancePurge:
        """A cold instance."""
        desk = self._desk(AdvancePurge.name)
        receipts = Receipts(self.receipts, self.signer, desk.trail, key_recovery=KEY_RECOVERY)
        plans = SealedPlans(self.plans, desk.key_ring)
        runs = PurgeRuns(SealedPurgeRuns(self.runs, desk.key_ring))
        return AdvancePurge(desk, AdvancePurgeParts(plans, self._planning(desk), runs, receipts))

    def purge_page(self) -> PurgePage:
        """A cold instance, which destroys one record after the other."""
        desk = self._desk(PurgePage.name)
        return PurgePage(
            desk,
            PurgePageParts(
                plans=SealedPlans(self.plans, desk.key_ring),
                runs=PurgeRuns(SealedPurgeRuns(self.runs, desk.key_ring)),
                retained=self.retained,
                subjects=self.subjects,
                due_index=self.due_index,
                destruction=Destruction(self.retained, tombstone_days=desk.policy.tombstone_days, at_once=1),
            ),
        )

    def plan(self, **request: Any) -> dict[str, Any]:
        """What PlanPurge answers."""
        return self.plan_purge()(OPERATOR, request)

    def planned(self, **request: Any) -> str:
        """The id of a plan."""
        plan_id = self.plan(**request)["plan_id"]
        assert isinstance(plan_id, str)
        return plan_id

    def advance(self, step: str, **request: Any) -> dict[str, Any]:
        """What AdvancePurge answers."""
        return self.advance_purge()(MACHINE, {"step": step, **request})

    def page(self, scope: str, run_id: str, page: int) -> None:
        """One page, done."""
        given = {"scope": scope, "run_id": run_id, "page": page}
        assert self.purge_page()(MACHINE, given) == {**given, "done": True}

    def begin(self, **given: Any) -> dict[str, Any]:
        """The state machine up to its pages."""
        plan = self.advance("plan", purge=given)
        for _ in range(MOST_CALLS):
            if plan["next"] == "begin":
                return self.advance("begin", purge=given, plan_id=plan["plan_id"])
            if plan["next"] == "resume":
                for page in plan["pages"]:
                    self.page(plan["scope"], plan["run_id"], page)
                plan = self.advance("plan", purge=given)
            else:
                plan = self.advance("plan", purge=given, plan_id=plan["plan_id"])
        raise AssertionError("the plan is never made")

    def purge(self, **given: Any) -> dict[str, Any]:
        """The state machine, to its end; its receipt is checked as whoever holds it checks it."""
        run = self.begin(**given)
        assert run["any"] is bool(run["pages"])
        for page in run["pages"]:
            self.page(run["scope"], run["run_id"], page)
        output = self.advance("finish", scope=run["scope"], run_id=run["run_id"])
        receipt = checked(file_of(output["receipt"]), self.signer.public_key())
        assert receipt["counts"] == {"stored_numbers": output["purged"], "message_keys": output["message_keys"]}
        return output

    def killed_in_purge(self, calls: int, **given: Any) -> bool:
        """Whether the state machine's instances died after so many calls of ports, before its end."""
        self.disturbances.kill_after(calls)
        try:
            self.purge(**given)
        except Killed:
            return True
        finally:
            self.disturbances.end()
        return False

    # What is left.

    def bucket(self, token: str, tenant_id: str = "default") -> str:
        """The day on which it is looked at next."""
        self.due_index.page(date(2000, 1, 1), 0, None)  # looks for new rows
        return self.retained.due[RecordId(tenant_id, token)].partition("#")[0]

    def lives(self, token: str, tenant_id: str = "default") -> bool:
        """Whether it has its key."""
        return RecordId(tenant_id, token) in self.tables.records

    def is_swept(self, token: str, subject_ref: str, tenant_id: str = "default") -> bool:
        """Whether nothing is left but a tombstone that leads nowhere."""
        record_id = RecordId(tenant_id, token)
        tombstone = self.tables.tombstones[tenant_id, token]
        members = {name for names in self.tables.members.values() for name in names}
        return (
            tombstone.is_swept
            and tombstone == replace(tombstone, positions={}, purposes=(), subject_ref=subject_ref)
            and record_id not in self.tables.records
            and record_id not in self.tables.messages
            and token not in self.tables.index.values()
            and f"t#{token}" not in members
            and record_id not in self.retained.due
        )

    def receipts_naming(self, token: str) -> int:
        """How many receipts say that it was destroyed."""
        issued = (checked(text.encode(), self.signer.public_key()) for text in self.receipts.texts.values())
        return sum(names_token(receipt, token) for receipt in issued)

    def _planning(self, desk: Desk) -> PurgePlanning:
        parts = PlanningParts(
            plans=SealedPlans(self.plans, desk.key_ring),
            due_index=self.due_index,
            retained=self.retained,
            kept_numbers=self.kept_numbers,
            runs=self.runs,
            age=self.age,
            counted=self.counted,
            rotations=self.rotations,
        )
        return PurgePlanning(desk.policy, self.clock, parts)

    def _desk(self, name: str) -> Desk:
        tally = self.tallies[name] = Tally()
        ring = KeyRing(
            self.key_ring_store,
            self.kms,
            self.clock,
            tally,
            max_age=timedelta(seconds=300),
            capacity=100,
            mac_keys_from=KeyUse.AUDIT,
        )
        policy = replace(self.parsed(), digest="ab" * 32)
        return Desk(policy, ring, AuditTrail(name, self.log, ring, self.clock), self.clock, tally)


def subject(number: int) -> str:
    """One of many."""
    return f"{SUBJECT}-{number}"


@pytest.fixture
def world() -> PurgeWorld:
    """For the modules that import it."""
    return PurgeWorld()
