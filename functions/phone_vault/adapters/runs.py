"""Runs, how far they have come, and censuses, as rows of Operations."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from phone_vault.adapters.attribute_values import count_in, text_in
from phone_vault.adapters.operations import OPERATION_IS_NEW
from phone_vault.adapters.rows import moment_in, reading, tenant_of
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended
from phone_vault.domain import moments
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.rotation import Census, Progress, Run, Step

ANYTHING = "attribute_exists(operation_id) OR attribute_not_exists(operation_id)"
"""Of rows that are named after a revision: a second attempt at it writes the same, or what nobody will read."""
IS_THE_RUN_READ = "run_id = :run_read AND finished = :finished_read AND fingerprint = :fingerprint_read"
IS_THE_PROGRESS_READ = "revision = :revision_read"
NO_LATER_ONE_IS_STORED = f"{OPERATION_IS_NEW} OR begun_at <= :begun_at OR begun_at > :latest"

OLDEST_CENSUS = timedelta(days=2)
"""That is still saved: a Rotation is resumed for one. What began later than that has yet to begin."""
PROGRESS_KEPT_FOR = timedelta(days=90)
"""For whoever asks what a Rotation of the last quarter has counted; it is resumed for a day."""

MOST_COUNTS = 2_000
"""In one row, so that its 400 KB hold them with the longest names."""
LATEST_RUN = "rotation#latest"
_YES, _NO = "yes", "no"


class DynamoRunStore:
    """Moments are kept to the second. `TamperedStore` for rows that do not read."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.operations

    def latest(self) -> Run | None:
        """By GetItem."""
        row = self._row(LATEST_RUN)
        return None if row is None else run_of(row)

    def save_run(self, run: Run, before: Run | None) -> None:
        """By PutItem."""
        row = _run_row(run)
        try:
            if before is None:
                self._tables.put(self._table, row, OPERATION_IS_NEW)
            else:
                values = {
                    ":run_read": before.run_id,
                    ":finished_read": _flag(before.finished),
                    ":fingerprint_read": before.fingerprint,
                }
                self._tables.put(self._table, row, IS_THE_RUN_READ, values)
        except ConditionsFailed as failed:
            # When the answer to a put is lost the SDK puts again, and meets its own row.
            if failed.rows[0] != {name: value for name, value in row.items() if value is not None}:
                raise contended() from None

    def progress(self, run_id: str, step: Step, shard: int) -> Progress | None:
        """By GetItem."""
        row = self._row(progress_id(run_id, step, shard))
        if row is None:
            return None
        progress = progress_of(row, run_id, step, shard)
        return replace(progress, counts={**progress.counts, **self._further_counts(row)})

    def save_progress(self, progress: Progress) -> Progress:
        """By PutItem; counts of very many tenants go first, in rows of their own that nobody reads before."""
        saved = replace(progress, revision=progress.revision + 1)
        row = _progress_row(saved)
        portions = portions_of(saved.counts)
        for at, portion in enumerate(portions[1:], 1):
            further = {"operation_id": f"{row['operation_id']}#{saved.revision}#{at}", "counts": portion}
            self._tables.put(self._table, {**further, "expires_ttl": row["expires_ttl"]}, ANYTHING)
        row |= {"counts": portions[0], "further": len(portions) - 1 or None}
        try:
            if progress.revision == 0:
                self._tables.put(self._table, row, OPERATION_IS_NEW)
            else:
                values = {":revision_read": progress.revision}
                self._tables.put(self._table, row, IS_THE_PROGRESS_READ, values)
        except ConditionsFailed:
            raise contended() from None
        return saved

    def census(self, tenant_id: str) -> Census | None:
        """By GetItem."""
        row = self._row(census_id(tenant_id))
        return None if row is None else census_of(row, tenant_id)

    def save_census(self, census: Census) -> None:
        """By PutItem; nothing if a later one is there."""
        row = _census_row(census)
        try:
            latest = moments.to_text(census.begun_at + OLDEST_CENSUS)
            values = {":begun_at": row["begun_at"], ":latest": latest}
            self._tables.put(self._table, row, NO_LATER_ONE_IS_STORED, values)
        except ConditionsFailed:
            return

    def _further_counts(self, row: Mapping[str, Any]) -> dict[str, int]:
        with reading("how far a rotation has come"):
            name = f"{row['operation_id']}#{row['revision']}"
            ids = [f"{name}#{at}" for at in range(1, count_in(row.get("further", 0)) + 1)]
            rows = self._tables.batch_get([(self._table, {"operation_id": each}) for each in ids])
            if len(rows) < len(ids):
                raise TamperedStore("how far a rotation has come does not read")
            return {name: count for _, each in rows for name, count in _counts_in(each["counts"]).items()}

    def _row(self, operation_id: str) -> dict[str, Any] | None:
        return self._tables.get(self._table, {"operation_id": operation_id})


def _run_row(run: Run) -> dict[str, Any]:
    return {
        "operation_id": LATEST_RUN,
        "run_id": run.run_id,
        "begun_at": moments.to_text(run.begun_at),
        "shards": run.shards,
        "tenant_id": run.tenant_id,
        "re_encrypt": _flag(run.re_encrypt),
        "fingerprint": run.fingerprint,
        "finished": _flag(run.finished),
    }


def run_of(row: Mapping[str, Any]) -> Run:
    with reading("a rotation"):
        return Run(
            run_id=text_in(row["run_id"]),
            begun_at=moment_in(row["begun_at"]),
            shards=count_in(row["shards"]),
            tenant_id=tenant_of(row["tenant_id"]) if "tenant_id" in row else None,
            re_encrypt=_flag_in(row["re_encrypt"]),
            fingerprint=text_in(row["fingerprint"]),
            finished=_flag_in(row["finished"]),
        )


def portions_of(counts: Mapping[str, int]) -> list[dict[str, int]]:
    """As rows hold them; at least one portion."""
    names = sorted(counts)
    portions = [names[at : at + MOST_COUNTS] for at in range(0, len(names), MOST_COUNTS)] or [[]]
    return [{name: counts[name] for name in portion} for portion in portions]


def progress_id(run_id: str, step: Step, shard: int) -> str:
    return f"run#{run_id}#{step}#{shard}"


def _progress_row(progress: Progress) -> dict[str, Any]:
    return {
        "operation_id": progress_id(progress.run_id, progress.step, progress.shard),
        "begun_at": moments.to_text(progress.begun_at),
        "cursor": progress.cursor,
        "done": _flag(progress.done),
        "counts": progress.counts,
        "revision": progress.revision,
        "expires_ttl": int((progress.begun_at + PROGRESS_KEPT_FOR).timestamp()),
    }


def progress_of(row: Mapping[str, Any], run_id: str, step: Step, shard: int) -> Progress:
    with reading("how far a rotation has come"):
        cursor = {name: text_in(value) for name, value in row["cursor"].items()} if "cursor" in row else None
        return Progress(
            run_id=run_id,
            step=step,
            shard=shard,
            begun_at=moment_in(row["begun_at"]),
            cursor=cursor,
            done=_flag_in(row["done"]),
            counts=_counts_in(row["counts"]),
            revision=count_in(row["revision"]),
        )


def census_id(tenant_id: str) -> str:
    return f"census#{tenant_id}"


def _census_row(census: Census) -> dict[str, Any]:
    return {
        "operation_id": census_id(census.tenant_id),
        "begun_at": moments.to_text(census.begun_at),
        "on_version": census.on_version,
        "stored_numbers": census.stored_numbers,
        "message_keys": census.message_keys,
        "direct": census.direct,
        "in_index": census.in_index,
        "indexed": census.indexed,
        "out_of_reach": census.out_of_reach,
        "unreadable": census.unreadable,
    }


def census_of(row: Mapping[str, Any], tenant_id: str) -> Census:
    with reading("a census"):
        return Census(
            tenant_id=tenant_id,
            begun_at=moment_in(row["begun_at"]),
            on_version=_counts_in(row["on_version"]),
            stored_numbers=count_in(row["stored_numbers"]),
            message_keys=count_in(row["message_keys"]),
            direct=count_in(row["direct"]),
            in_index=_counts_in(row["in_index"]),
            indexed=count_in(row["indexed"]),
            out_of_reach=count_in(row["out_of_reach"]),
            unreadable=count_in(row["unreadable"]),
        )


def _counts_in(value: Any) -> dict[str, int]:
    return {name: count_in(count) for name, count in value.items()}


def _flag(value: bool) -> str:  # noqa: FBT001  what it makes text of
    return _YES if value else _NO


def _flag_in(value: Any) -> bool:
    return {_YES: True, _NO: False}[value]
