"""Making plans: what is due is looked up day by day, record by record, and listed page by page."""

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import CountedRecord, CountedTables, RunStore, Shard, Unreadable
from phone_vault.domain.message_key import MessageKeyId
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.ports import Clock, RecordId
from phone_vault.domain.purge_plan import Conditions, Listed, Place, Plan, PlanPage, PlanState
from phone_vault.domain.purge_ports import DueIndex, KeptNumbers, PurgeRunStore, VaultAge
from phone_vault.domain.purging import Fate, fate_of, fate_of_found, next_bucket
from phone_vault.domain.retention import DUE_SHARDS, Granted
from phone_vault.domain.rights_ports import RetainedStore
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.found_records import Found, read_each
from phone_vault.services.sealed_plans import SealedPlans

RECORDS_A_PAGE = 100
"""A page is full with so many; it has fewer than twice as many."""
MOST_PAGES = 20_000
"""Of a plan: their numbers are to fit a state of the state machine. What is due beyond comes the next time."""
ENOUGH_FOR_A_CALL = timedelta(seconds=30)
"""After which a call reads no further."""
_WHOLE_TABLE = Shard(0, 1)


@dataclass(frozen=True, slots=True)
class PlanningParts:
    """Where plans are looked up."""

    plans: SealedPlans
    due_index: DueIndex
    retained: RetainedStore
    kept_numbers: KeptNumbers
    runs: PurgeRunStore
    age: VaultAge
    counted: CountedTables
    rotations: RunStore
    """For the last census."""


class PurgePlanning:
    """Writes plans, and nothing else. A plan that takes more than one call goes on where the last one has saved it.

    A call that was stopped is made again from there: it overwrites the pages that nobody counted on.
    """

    def __init__(self, policy: VaultPolicy, clock: Clock, parts: PlanningParts) -> None:
        self._policy = policy
        self._clock = clock
        self._parts = parts

    def begun(self, conditions: Conditions, now: datetime, *, is_attended: bool) -> Plan:
        """A plan of this moment, of which nothing is looked up yet."""
        return Plan(
            plan_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            made_at=now,
            policy=self._policy.digest,
            conditions=conditions,
            is_attended=is_attended,
            state=PlanState.FINDING,
            place=Place(self._first_day(now) if conditions.unused_days is None else None),
        )

    def gone_on_with(self, plan: Plan) -> Plan:
        """As far as a call gets; `Conflict` if another one is at it."""
        began_at = self._clock.now()
        # Whoever has saved it last may write its pages: one that was given up and is still running may not.
        draft = _Draft(self._parts.plans, self._policy, self._parts.plans.save(plan))
        while draft.state is not PlanState.MADE and self._clock.now() - began_at < ENOUGH_FOR_A_CALL:
            if draft.state is PlanState.COUNTING:
                self._count(draft)
            elif draft.place.day is None:
                self._find_unused(draft)
            else:
                self._find_due(draft, draft.place.day)
        return self._parts.plans.save(draft.plan())

    def _first_day(self, now: datetime) -> date:
        low_water = self._parts.runs.low_water()
        if low_water is not None and low_water <= now.date():
            return low_water
        # A day to come is none that a purge has written: nothing would ever be due any more.
        return self._parts.age.first_day() or now.date()

    def _find_due(self, draft: "_Draft", day: date) -> None:
        """One page of the index of what is due."""
        shard = draft.place.shard
        page = self._parts.due_index.page(day, shard, draft.place.cursor)
        tenant_id = draft.before.conditions.tenant_id
        wanted = [each for each in page.record_ids if tenant_id in (None, each.tenant_id)]
        for record_id, found in read_each(self._parts.retained, wanted).items():
            draft.add_found(record_id, found, day)
        if page.next_cursor is not None:
            draft.place = Place(day, shard, page.next_cursor)
        elif shard + 1 < DUE_SHARDS:
            draft.place = Place(day, shard + 1)
        else:
            draft.place = Place(day + timedelta(days=1))
        if draft.place.day is not None and draft.place.day > draft.before.made_at.date():
            self._end_finding(draft)
        elif draft.pages >= MOST_PAGES:
            draft.covers_until = draft.place.day
            self._end_finding(draft)

    def _find_unused(self, draft: "_Draft") -> None:
        """One page of all records."""
        page = self._parts.kept_numbers.page(draft.place.cursor, draft.before.conditions.tenant_id)
        for number in page.rows:
            if isinstance(number, Unreadable):
                draft.unreadable += 1
            else:
                draft.add(number.record_id, number, draft.fate_of(number), None)
        draft.place = Place(cursor=page.next_cursor)
        if page.next_cursor is None or draft.pages >= MOST_PAGES:
            self._end_finding(draft)

    def _end_finding(self, draft: "_Draft") -> None:
        """A plan that nobody has made is to be compared with what is stored: by the last census, or counted now."""
        draft.flush()
        draft.place = Place()
        draft.state = PlanState.MADE
        if draft.before.is_attended:
            return
        for tenant_id in draft.due:
            census = self._parts.rotations.census(tenant_id)
            draft.stored[tenant_id] = census.stored_numbers if census else 0
        # One that had nothing then tells nothing of what is due now.
        draft.counting = tuple(sorted(tenant_id for tenant_id, count in draft.stored.items() if not count))
        if draft.counting:
            draft.state = PlanState.COUNTING

    def _count(self, draft: "_Draft") -> None:
        """One page of all records."""
        page = self._parts.counted.records(_WHOLE_TABLE, draft.place.cursor, None)
        for row in page.rows:
            if isinstance(row, CountedRecord) and row.kind is Kind.STORED_NUMBER and row.tenant_id in draft.counting:
                draft.stored[row.tenant_id] += 1
        draft.place = Place(cursor=page.next_cursor)
        if page.next_cursor is None:
            draft.state = PlanState.MADE


@dataclass
class _Draft:
    """A plan in the making."""

    plans: SealedPlans
    policy: VaultPolicy
    before: Plan
    state: PlanState = field(init=False)
    place: Place = field(init=False)
    pages: int = field(init=False)
    unreadable: int = field(init=False)
    stored: Counter[str] = field(init=False)
    counting: tuple[str, ...] = field(init=False)
    due: Counter[str] = field(init=False)
    covers_until: date | None = None

    def __post_init__(self) -> None:
        before = self.before
        self.state, self.place, self.pages = before.state, before.place, before.pages
        self.covers_until, self.unreadable, self.counting = before.covers_until, before.unreadable, before.counting
        self.stored, self.due = Counter(before.stored), Counter(before.due)
        self._message_keys, self._by_purpose = Counter(before.message_keys), Counter(before.by_purpose)
        self._kept = Counter({Fate.HELD: before.held, Fate.RESTRICTED: before.restricted})
        self._listed: list[Listed] = []

    def fate_of(self, record: Granted) -> Fate:
        """At the moment of the plan."""
        return fate_of(record, self.policy, self.before.made_at, self.before.conditions.unused_days)

    def add_found(self, record_id: RecordId, found: Found, day: date) -> None:
        """Something that stands in the index of what is due."""
        if isinstance(found, Unreadable):
            self.unreadable += 1
            self._list(Listed(record_id, day, is_due=False))
            return
        fate = fate_of_found(found, self.policy, self.before.made_at)
        if found is None or isinstance(found, Tombstone):
            if fate is Fate.DEAD:
                self._list(Listed(record_id, day, is_due=False))
            return
        if fate is Fate.LIVES and next_bucket(found, self.policy, self.before.made_at).startswith(day.isoformat()):
            return  # it ends on this very day, later
        self.add(record_id, found, fate, day)

    def add(self, record_id: RecordId, record: Granted, fate: Fate, day: date | None) -> None:
        """A record with its key. What is planned for another reason than being due is not looked after otherwise."""
        if day is None and fate in (Fate.LIVES, Fate.LEFTOVER):
            return
        is_message_key = MessageKeyId.named(*record_id) is not None
        if fate is Fate.DUE:
            (self._message_keys if is_message_key else self.due)[record_id.tenant_id] += 1
            if not is_message_key:
                self._by_purpose.update(record.grants.keys())
        elif not is_message_key:
            self._kept[fate] += 1
        self._list(Listed(record_id, day, is_due=fate is Fate.DUE))

    def _list(self, listed: Listed) -> None:
        self._listed.append(listed)
        if len(self._listed) >= RECORDS_A_PAGE:
            self.flush()

    def flush(self) -> None:
        """What is listed becomes a page."""
        if self._listed:
            self.plans.add_page(self.before, self.pages, PlanPage(tuple(self._listed)))
            self.pages += 1
            self._listed = []

    def plan(self) -> Plan:
        """As it is now."""
        self.flush()
        return replace(
            self.before,
            state=self.state,
            place=self.place,
            pages=self.pages,
            covers_until=self.covers_until,
            due=dict(self.due),
            message_keys=dict(self._message_keys),
            by_purpose=dict(self._by_purpose),
            held=self._kept[Fate.HELD],
            restricted=self._kept[Fate.RESTRICTED],
            unreadable=self.unreadable,
            stored=dict(self.stored),
            counting=self.counting,
        )
