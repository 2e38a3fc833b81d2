"""What the shards of a census have counted, put together for each tenant."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from phone_vault.domain.errors import Conflict
from phone_vault.domain.job_ports import RunStore
from phone_vault.domain.keys import KeyState, KeyUse, TenantKeys, WrappedKey
from phone_vault.domain.rotation import ROTATED, Census, Progress, Run, Step


class Counted(StrEnum):
    """What a census counts, in the names of its counts: `tenant/branch/1`, `tenant/entries/2`, `tenant/numbers`."""

    BRANCH = "branch"
    """Records whose key a version of the branch key wraps."""
    DIRECT = "direct"
    """Those whose key KMS itself wraps."""
    INDEX = "index"
    """Records with a position in a version of the index."""
    INDEXED = "indexed"
    """Those with a position in any."""
    ENTRIES = "entries"
    """Of a version of the index."""
    NUMBERS = "numbers"
    MESSAGES = "messages"
    """Message keys."""
    OLD_MESSAGES = "old-messages"
    """Those that a version may have wrapped which others may know."""
    UNREADABLE = "unreadable"
    """Rows of either table."""


class Censuses:
    """Reads what workers have left in Operations, and keeps each tenant's last census there."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    def take(self, run: Run, step: Step, tenants: Mapping[str, TenantKeys]) -> dict[str, Census]:
        """The census of each tenant, kept as its last one; `Conflict` unless every shard has been counted."""
        shards = self._progress(run, step)
        if len(shards) < run.shards or not all(shard.done for shard in shards):
            raise Conflict("the records have not been counted to the end")
        begun_at = min(shard.begun_at for shard in shards)
        by_tenant: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for shard in shards:
            for name, count in shard.counts.items():
                tenant_id, _, what = name.partition("/")
                by_tenant[tenant_id][what] += count
        censuses = {each: _census(each, begun_at, by_tenant[each]) for each in tenants}
        for census in censuses.values():
            self._runs.save_census(census)
        return censuses

    def is_begun(self, run: Run, step: Step) -> bool:
        """Whether any shard has been counted."""
        return bool(self._progress(run, step))

    def counted(self, run: Run, step: Step) -> Counter[str]:
        """What a step has counted in all shards."""
        return sum((Counter(shard.counts) for shard in self._progress(run, step)), Counter[str]())

    def _progress(self, run: Run, step: Step) -> list[Progress]:
        found = (self._runs.progress(run.run_id, step, shard) for shard in range(run.shards))
        return [progress for progress in found if progress is not None]


def census_of_versions(
    tenants: Mapping[str, TenantKeys], censuses: Mapping[str, Census], since: datetime
) -> dict[str, int]:
    """`acme/branch/1` to the records still on it, for every version that was in use since, or that records are on."""
    return {
        key.key_id.path: censuses[tenant_id].records_on(key.key_id)
        for tenant_id, keys in sorted(tenants.items())
        for use in ROTATED
        for key in keys.of_use(use)
        if not _was_out_of_use(key, since) or censuses[tenant_id].records_on(key.key_id)
    }


def _was_out_of_use(key: WrappedKey, since: datetime) -> bool:
    is_retired = key.state is KeyState.RETIRED and key.changed_at is not None and key.changed_at <= since
    return is_retired or key.state is KeyState.DESTROYED


def _census(tenant_id: str, begun_at: datetime, counts: Counter[str]) -> Census:
    """Of the index, whatever stands in more places counts: a position without an entry is left over as much as one."""
    in_index = _by_version(counts, Counted.INDEX, KeyUse.INDEX)
    entries = _by_version(counts, Counted.ENTRIES, KeyUse.INDEX)
    on_version = _by_version(counts, Counted.BRANCH, KeyUse.BRANCH) | {
        name: max(in_index.get(name, 0), entries.get(name, 0)) for name in in_index.keys() | entries.keys()
    }
    return Census(
        tenant_id=tenant_id,
        begun_at=begun_at,
        on_version=on_version,
        stored_numbers=counts[Counted.NUMBERS],
        message_keys=counts[Counted.MESSAGES],
        direct=counts[Counted.DIRECT],
        in_index=in_index,
        indexed=counts[Counted.INDEXED],
        out_of_reach=counts[Counted.OLD_MESSAGES],
        unreadable=counts[Counted.UNREADABLE],
    )


def _by_version(counts: Counter[str], what: Counted, use: KeyUse) -> dict[str, int]:
    prefix = f"{what}/"
    return {f"{use}/{each.removeprefix(prefix)}": count for each, count in counts.items() if each.startswith(prefix)}
