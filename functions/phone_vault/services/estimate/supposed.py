"""A Rotation of a vault that is only supposed: so many records, all of them stale, of tenants of equal size."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil

from phone_vault.domain.inventory import KeyVersion, Kind
from phone_vault.domain.keys import FIRST_VERSION, KeyId, KeyState, KeyUse
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.reckoned_rows import PageRead, ReckonedRow
from phone_vault.services.estimate.bill import Bill, reads
from phone_vault.services.estimate.control import CONTROL
from phone_vault.services.estimate.measures import Machinery, RowSizes
from phone_vault.services.estimate.outlook import Outlook, Wanted, outlooks_of
from phone_vault.services.estimate.rotation import Reckoned, RotationReckoning

_USES = (KeyUse.BRANCH, KeyUse.INDEX, KeyUse.SUBJECT, KeyUse.AUDIT)
_LONG_AGO = timedelta(days=100_000)
_RECORD_ID_BYTES = 60


def supposed(
    records: int,
    tenants: int,
    policy: VaultPolicy,
    wanted: Wanted,
    machinery: Machinery,
    sizes: RowSizes,
    mean_record_bytes: float,
) -> Reckoned:
    """One shard is looked at: a part of it, and the same with one more round of calls; the rest follows from the two.

    A round is as many calls as a key is kept for.
    """
    names = [f"tenant-{number}" for number in range(1, tenants + 1)]
    outlooks = _outlooks(names, policy, wanted)
    a_round = machinery.page_rows * machinery.pages_per_call * max(1, machinery.calls_a_key)
    in_shard = ceil(records / machinery.shards)
    further_rounds = max(0, in_shard // a_round - 1)
    part = in_shard - further_rounds * a_round

    def shard(rows: int) -> Reckoned:
        reckoning = RotationReckoning(outlooks, wanted, machinery, sizes)
        for page in _pages(rows, names, machinery.page_rows, mean_record_bytes):
            reckoning.read(page)
        reckoning.end_shard()
        return reckoning.reckoned([rows], mean_record_bytes)

    less, more = shard(part), shard(part + a_round)
    return _extended(less, more, further_rounds, machinery.shards, records / (machinery.shards * in_shard))


def _outlooks(names: list[str], policy: VaultPolicy, wanted: Wanted) -> dict[str, Outlook]:
    now = datetime(9000, 1, 1, tzinfo=UTC)
    made = now - _LONG_AGO
    ring = [
        KeyVersion(KeyId(name, use, FIRST_VERSION), KeyState.ACTIVE, made, "kek") for name in names for use in _USES
    ]
    return outlooks_of(ring, policy, "kek", replace(wanted, tenant_id=None), now)


def _pages(rows: int, names: list[str], page_rows: int, mean_bytes: float) -> Iterator[PageRead]:
    index = frozenset({FIRST_VERSION})
    made = 0
    while True:
        count = min(page_rows, rows - made)
        of_page = [
            ReckonedRow(
                names[(made + at) % len(names)], Kind.STORED_NUMBER, FIRST_VERSION, None, index, _RECORD_ID_BYTES
            )
            for at in range(count)
        ]
        yield PageRead(of_page, reads(count * mean_bytes))
        made += count
        if count < page_rows:
            return


def _extended(less: Reckoned, more: Reckoned, further: int, shards: int, share: float) -> Reckoned:
    """`share`: of the rows that a round number of them in each shard has too many."""

    def number(one: float, other: float) -> float:
        return (one + further * (other - one)) * shards * share

    steps = {}
    for name, bill in less.steps.items():
        whole = Bill()
        whole.add(bill, 1 - further)
        whole.add(more.steps[name], further)
        steps[name] = Bill()
        steps[name].add(whole, 1 if name == CONTROL else shards)
    return Reckoned(
        records=number(less.records, more.records),
        re_wraps=number(less.re_wraps, more.re_wraps),
        re_indexes=number(less.re_indexes, more.re_indexes),
        re_encrypts=number(less.re_encrypts, more.re_encrypts),
        sweeps=number(less.sweeps, more.sweeps),
        steps=steps,
        waits=less.waits,
    )
