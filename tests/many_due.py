"""Vaults in memory with many numbers that are due, and what a purge of them takes: for a benchmark, and for a test."""

import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.ports import RecordId
from phone_vault.domain.retention import bucket_on
from phone_vault.domain.stored_number import Grant, IndexPosition, StoredNumber
from phone_vault.domain.subject import SubjectId
from tests.fakes import Disturbances, Place
from tests.unit.services.purge_world import PurgeWorld

T = TypeVar("T")

TENANT = "default"
PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Taken:
    """What a purge has taken."""

    output: dict[str, Any]
    calls: Counter[str]
    """Of ports, by name."""
    seconds: float
    """Of this process."""
    most_bytes: int
    """That any call of a job has held at once, beside what it found; 0 where nobody has measured."""


class Forgetful(Disturbances):
    """Counts calls, and keeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.calls = self  # type: ignore[assignment]  # all that is done to it is to append

    def append(self, call: str) -> None:
        """One more."""
        self.counts[call] += 1


def world_of(due: int, others: int = 0) -> tuple[PurgeWorld, Forgetful]:
    """So many numbers that are due today, and so many that are not for long."""
    disturbances = Forgetful()
    world = PurgeWorld(disturbances=disturbances)
    world.tables.page_rows = 100
    world.advance_purge().desk.key_ring.ensure(TENANT)
    world.advance_purge().desk.key_ring.audit_key(None)
    store(world, due, "d")
    world.clock.advance(PERIOD)
    store(world, others, "o")
    world.counted_by_census(due + others or 1)
    world.runs.first_day = world.clock.now().date()
    return world, disturbances


def store(world: PurgeWorld, count: int, kind: str) -> None:
    """All rows of numbers of as many subjects, as Protect leaves them; faster, because nobody reveals them."""
    now = world.clock.now()
    rule = RetentionRule(PERIOD.days, RetentionStart.CREATED)
    for at in range(count):
        token, ref = f"tok_{kind}{at:020}", f"{kind}{at:042}"
        position = IndexPosition(at.to_bytes(32), b"binding", "9.0.43")
        record = StoredNumber(
            tenant_id=TENANT,
            token=token,
            subject_id=f"subject-{at}",
            subject_ref=ref,
            created_at=now,
            revision=1,
            wrapped_key=b"wrapped",
            branch_key_version=1,
            jurisdictions=(Jurisdiction.GDPR,),
            grants={"delivery": Grant(now, rule)},
            last_used={},
            index_positions={1: position},
        )
        record_id = RecordId(TENANT, token)
        world.tables.records[record_id] = record
        world.tables.messages[record_id] = b"message"
        world.tables.index[Place(TENANT, 1, position.blind_index, ref)] = token
        world.tables.members[SubjectId(TENANT, ref)] = {f"t#{token}"}
        world.retained.due[record_id] = bucket_on(record, now + PERIOD)


def purged(world: PurgeWorld, disturbances: Forgetful, *, measuring: bool = False) -> Taken:
    """A whole purge; measuring memory makes it several times slower."""
    most = [0]
    disturbances.counts.clear()
    begun = time.process_time()
    output = _Measured(world, most).purge() if measuring else world.purge()
    return Taken(output, Counter(disturbances.counts), time.process_time() - begun, most[0])


class _Measured:
    """The state machine, with an eye on what each call of a job holds."""

    def __init__(self, world: PurgeWorld, most: list[int]) -> None:
        self._world, self._most = world, most

    def purge(self) -> dict[str, Any]:
        """As the world does it."""
        world = self._world
        plan = self._call(lambda: world.advance("plan", purge={}))
        run = self._call(lambda: world.advance("begin", purge={}, plan_id=plan["plan_id"]))
        for page in run["pages"]:
            self._call(partial(world.page, run["scope"], run["run_id"], page))
        return self._call(lambda: world.advance("finish", scope=run["scope"], run_id=run["run_id"]))

    def _call(self, act: Callable[[], T]) -> T:
        tracemalloc.start()
        try:
            return act()
        finally:
            left, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self._most[0] = max(self._most[0], peak - left)  # what is left is the tables'
