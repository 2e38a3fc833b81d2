"""Runs of purges in the Operations table, what their pages have come to, and from which day on the next one looks."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

from phone_vault.adapters.attribute_values import bytes_in, count_in, text_in
from phone_vault.adapters.operations import OPERATION_IS_NEW
from phone_vault.adapters.rows import moment_in, reading, tenant_of
from phone_vault.adapters.tables import KEYS_PER_BATCH_READ, ConditionsFailed, TableNames, Tables, contended
from phone_vault.domain import moments
from phone_vault.domain.purge_run import PageProgress, PageState, Part, PurgeRun, RunState
from phone_vault.domain.receipts import SALT_BYTES, SaltedToken

IS_THE_ONE_READ = "revision = :revision_read"
IS_BEHIND = f"{OPERATION_IS_NEW} OR first_day < :first_day"
IS_STILL_TO_COME = "first_day > :today"
"""No purge writes a day after its own: somebody else has."""

LOW_WATER = "purge#low-water"
_LEAF_BYTES = SALT_BYTES + 32


class DynamoPurgeRunStore:
    """`purge#{scope}`, `purge#{run id}#{0, 1, ...}`, `purge#low-water`. No row holds a token: leaves are salted."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.operations

    def read(self, scope: str) -> PurgeRun | None:
        """By GetItem."""
        row = self._tables.get(self._table, _run_key(scope))
        return None if row is None else run_of(scope, row)

    def save(self, run: PurgeRun) -> PurgeRun:
        """By PutItem."""
        saved = replace(run, revision=run.revision + 1)
        self._put(_run_row(saved), run.revision)
        return saved

    def progress(self, run_id: str, page: int) -> PageProgress:
        """By GetItem."""
        row = self._tables.get(self._table, _page_key(run_id, page))
        return PageProgress(run_id, page) if row is None else progress_of(run_id, page, row)

    def all_progress(self, run_id: str, pages: int) -> Iterator[PageProgress]:
        """By BatchGetItem, 100 at a time."""
        for first in range(0, pages, KEYS_PER_BATCH_READ):
            wanted = range(first, min(first + KEYS_PER_BATCH_READ, pages))
            rows = self._tables.batch_get([(self._table, _page_key(run_id, page)) for page in wanted])
            found = {row["operation_id"]: row for _, row in rows}
            for page in wanted:
                row = found.get(_page_key(run_id, page)["operation_id"])
                yield PageProgress(run_id, page) if row is None else progress_of(run_id, page, row)

    def save_progress(self, progress: PageProgress) -> PageProgress:
        """By PutItem."""
        saved = replace(progress, revision=progress.revision + 1)
        self._put(_progress_row(saved), progress.revision)
        return saved

    def low_water(self) -> date | None:
        """By GetItem."""
        row = self._tables.get(self._table, {"operation_id": LOW_WATER})
        if row is None:
            return None
        with reading("from which day on a purge looks"):
            return date.fromisoformat(text_in(row["first_day"]))

    def raise_low_water(self, day: date, today: date) -> None:
        """By PutItem."""
        first_day = day.isoformat()
        values = {":first_day": first_day, ":today": today.isoformat()}
        row = {"operation_id": LOW_WATER, "first_day": first_day}
        with suppress(ConditionsFailed):
            self._tables.put(self._table, row, f"{IS_BEHIND} OR {IS_STILL_TO_COME}", values)

    def _put(self, row: dict[str, Any], revision_read: int) -> None:
        try:
            if revision_read == 0:
                self._tables.put(self._table, row, OPERATION_IS_NEW)
            else:
                self._tables.put(self._table, row, IS_THE_ONE_READ, {":revision_read": revision_read})
        except ConditionsFailed as failed:
            # When the answer to a put is lost the SDK puts again, and meets its own row.
            if failed.rows[0] != {name: value for name, value in row.items() if value is not None}:
                raise contended() from None


def run_name(scope: str) -> str:
    """Of the row of a scope's last run."""
    return f"purge#{scope}"


def page_name(run_id: str, page: int) -> str:
    """Of the row of what a page of it has come to."""
    return f"purge#{run_id}#{page}"


def _run_key(scope: str) -> dict[str, str]:
    return {"operation_id": run_name(scope)}


def _run_row(run: PurgeRun) -> dict[str, Any]:
    return {
        **_run_key(run.scope),
        "run_id": run.run_id,
        "plan_id": run.plan_id,
        "begun_at": moments.to_text(run.begun_at),
        "pages": run.pages,
        "tenant_id": run.tenant_id,
        "unused_days": run.unused_days,
        "clears_until": _day_text(run.clears_until),
        "skipped": list(run.skipped),
        "continues": [{"run_id": part.run_id, "pages": part.pages} for part in run.continues],
        "state": str(run.state),
        "revision": run.revision,
        "seal": run.seal or None,
    }


def run_of(scope: str, row: Mapping[str, Any]) -> PurgeRun:
    """The run; `TamperedStore` for anything that the vault does not write."""
    with reading("a purge"):
        return PurgeRun(
            scope=scope,
            run_id=text_in(row["run_id"]),
            plan_id=text_in(row["plan_id"]),
            begun_at=moment_in(row["begun_at"]),
            pages=count_in(row["pages"]),
            tenant_id=tenant_of(row["tenant_id"]) if "tenant_id" in row else None,
            unused_days=count_in(row["unused_days"]) if "unused_days" in row else None,
            clears_until=_day_in(row, "clears_until"),
            skipped=tuple(map(tenant_of, row["skipped"])),
            continues=tuple(Part(text_in(part["run_id"]), count_in(part["pages"])) for part in row["continues"]),
            state=RunState(row["state"]),
            revision=count_in(row["revision"]),
            seal=bytes_in(row.get("seal", b"")),
        )


def _page_key(run_id: str, page: int) -> dict[str, str]:
    return {"operation_id": page_name(run_id, page)}


def _progress_row(progress: PageProgress) -> dict[str, Any]:
    return {
        **_page_key(progress.run_id, progress.page),
        "state": str(progress.state),
        "counts": progress.counts,
        "by_purpose": progress.by_purpose,
        "leaves": b"".join(leaf.salt + leaf.hash for leaf in progress.leaves) or None,
        "left_from": _day_text(progress.left_from),
        "revision": progress.revision,
        "seal": progress.seal or None,
    }


def progress_of(run_id: str, page: int, row: Mapping[str, Any]) -> PageProgress:
    """What the page has come to; `TamperedStore` for anything that the vault does not write."""
    with reading("what a page of a purge has come to"):
        return PageProgress(
            run_id=run_id,
            page=page,
            state=PageState(row["state"]),
            counts={name: count_in(count) for name, count in row["counts"].items()},
            by_purpose={name: count_in(count) for name, count in row["by_purpose"].items()},
            leaves=tuple(_leaves_in(row.get("leaves", b""))),
            left_from=_day_in(row, "left_from"),
            revision=count_in(row["revision"]),
            seal=bytes_in(row.get("seal", b"")),
        )


def _leaves_in(value: object) -> Iterator[SaltedToken]:
    content = bytes_in(value)
    if len(content) % _LEAF_BYTES:
        raise ValueError
    for at in range(0, len(content), _LEAF_BYTES):
        yield SaltedToken(content[at : at + SALT_BYTES], content[at + SALT_BYTES : at + _LEAF_BYTES])


def _day_text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day_in(row: Mapping[str, Any], name: str) -> date | None:
    return date.fromisoformat(text_in(row[name])) if name in row else None
