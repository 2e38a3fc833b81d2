"""The protocol broken on purpose, in one place each.

The scenarios find all of these at once. Chance alone, in 40 examples, finds all that make answers wrong but two, which
want one call to be as slow as it may be at one place: a pass that does not ask, and versions dated too early.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_ports import CountedRecord
from phone_vault.domain.keys import KeyState, WrappedKey
from phone_vault.domain.moments import to_second
from phone_vault.domain.rotation import LONGEST_FUNCTION, Census
from phone_vault.domain.wrapped_record import WrappedRecord, WrappedRecordKey
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.job import Desk
from phone_vault.services.key_versions import KeyVersions
from tests.fakes import MemoryCountedTables, MemoryWrappedRecords
from tests.property.life.execution import Execution

AT_ONCE = timedelta()


@contextmanager
def _a_census_that_began_too_early_fills() -> Iterator[None]:
    proves = Census.proves_filled

    def without_wait(census: Census, key: WrappedKey, wait: timedelta) -> bool:
        del wait
        return proves(census, key, AT_ONCE)

    with patch.object(Census, "proves_filled", without_wait), _without_waiting("WaitForCaches"):
        yield


@contextmanager
def _a_census_that_began_too_early_retires() -> Iterator[None]:
    proves = Census.proves_unused

    def without_wait(census: Census, key: WrappedKey, wait: timedelta) -> bool:
        del wait
        return proves(census, key, AT_ONCE)

    with patch.object(Census, "proves_unused", without_wait), _without_waiting("WaitForCaches"):
        yield


@contextmanager
def _a_version_is_closed_while_it_is_read() -> Iterator[None]:
    close = AdvanceRotation._close

    def at_once(*arguments: Any) -> dict[str, Any]:
        with patch.object(Desk, "wait", AT_ONCE):
            return close(*arguments)

    with patch.object(AdvanceRotation, "_close", at_once), _without_waiting("WaitForReaders"):
        yield


@contextmanager
def _a_sweep_takes_what_is_still_read() -> Iterator[None]:
    advance = AdvanceRotation._settle

    def settle(job: AdvanceRotation, *arguments: Any) -> dict[str, Any]:
        return {**advance(job, *arguments), "sweeping": True}

    with (
        patch.object(AdvanceRotation, "_settle", settle),
        patch("phone_vault.services.sweep_index.INDEXING", {KeyState.PENDING, KeyState.ACTIVE}),
        _without_waiting("WaitForReaders"),
    ):
        yield


@contextmanager
def _a_census_overlooks_message_keys() -> Iterator[None]:
    records = MemoryCountedTables.records

    def without_message_keys(tables: MemoryCountedTables, *arguments: Any) -> Any:
        page = records(tables, *arguments)
        rows = [row for row in page.rows if isinstance(row, CountedRecord) and row.kind is Kind.STORED_NUMBER]
        return replace(page, rows=rows)

    with patch.object(MemoryCountedTables, "records", without_message_keys), _re_wrap_overlooks_message_keys():
        yield


@contextmanager
def _re_wrap_overlooks_message_keys() -> Iterator[None]:
    page = MemoryWrappedRecords.page

    def without_message_keys(records: MemoryWrappedRecords, *arguments: Any) -> Any:
        found = page(records, *arguments)
        return replace(found, rows=[row for row in found.rows if not row.name.startswith("m#")])  # type: ignore[union-attr]

    with patch.object(MemoryWrappedRecords, "page", without_message_keys):
        yield


@contextmanager
def _re_wrap_does_not_ask_whether_the_record_has_changed() -> Iterator[None]:
    rewrap = MemoryWrappedRecords.rewrap

    def whatever_it_is(records: MemoryWrappedRecords, record: WrappedRecord, wrapped: WrappedRecordKey) -> None:
        row = records._pages.tables.keyed(record.tenant_id, record.name)
        assert row is not None
        rewrap(records, replace(record, revision=row.revision), wrapped)

    with patch.object(MemoryWrappedRecords, "rewrap", whatever_it_is):
        yield


def _a_version_is_dated_by_the_beginning_of_the_call() -> AbstractContextManager[Any]:
    def when_a_long_call_began(versions: KeyVersions) -> datetime:
        return to_second(versions._clock.now() - LONGEST_FUNCTION)

    return patch.object(KeyVersions, "_now", when_a_long_call_began)


def _writers_write(*states: KeyState) -> AbstractContextManager[Any]:
    return patch("phone_vault.domain.keys.INDEXING", frozenset(states))


def _a_superseded_version_is_not_unwrapped() -> AbstractContextManager[Any]:
    return patch("tests.property.life.vault.UNWRAPPING", frozenset({KeyState.ACTIVE}))


def _without_waiting(*states: str) -> AbstractContextManager[Any]:
    return patch.object(Execution, "skipped", frozenset(states))


Fault = Callable[[], AbstractContextManager[Any]]

FAULTS: Mapping[str, Fault] = {
    "a census that began too early lets an index version be read": _a_census_that_began_too_early_fills,
    "a census that began too early lets a version be retired": _a_census_that_began_too_early_retires,
    "writers leave an index version as soon as another is read": lambda: _writers_write(
        KeyState.PENDING, KeyState.ACTIVE
    ),
    "an index version is closed while it is read": _a_version_is_closed_while_it_is_read,
    "a sweep takes away what is still read": _a_sweep_takes_what_is_still_read,
    "a census overlooks message keys, and so does the pass": _a_census_overlooks_message_keys,
    "a pass does not ask whether a record has changed": _re_wrap_does_not_ask_whether_the_record_has_changed,
    "a version is dated by the beginning of a call": _a_version_is_dated_by_the_beginning_of_the_call,
    "a superseded branch version is refused at once": _a_superseded_version_is_not_unwrapped,
}
"""By what is wrong, after which the vault answers wrongly."""
DELAYS: Mapping[str, Fault] = {
    "writers do not write a pending version": lambda: _writers_write(KeyState.ACTIVE, KeyState.DECRYPT_ONLY),
    "a pass overlooks message keys": _re_wrap_overlooks_message_keys,
    "nobody waits for caches": lambda: _without_waiting("WaitForCaches"),
    "nobody waits for writers": lambda: _without_waiting("WaitForWriters"),
}
"""The same, after which nothing is ever retired: what is wrong is noticed, and the vault goes on answering rightly."""
