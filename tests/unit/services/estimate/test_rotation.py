"""The reckoning of a rotation: rows that are shown to it, page by page."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from phone_vault.domain.inventory import Kind
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.policy_file import parse
from phone_vault.domain.reckoned_rows import PageRead, ReckonedRow
from phone_vault.services.estimate.bill import Bill
from phone_vault.services.estimate.measures import Machinery, RowSizes
from phone_vault.services.estimate.outlook import Outlook, Wanted
from phone_vault.services.estimate.rotation import Reckoned, RotationReckoning
from phone_vault.services.estimate.supposed import supposed
from tests.unit.samples import POLICY

SIZES = RowSizes(message=350, index_entry=150, key_ring_row=300, added_position=100, added_moment=30)
MACHINERY = Machinery(
    shards=2,
    page_rows=100,
    pages_per_call=25,
    calls_a_key=10,
    positions_at_once=25,
    keys_a_read=100,
    shards_at_once=2,
)
ROW = ReckonedRow("acme", Kind.STORED_NUMBER, 1, None, frozenset({1}), 160)
MEAN = 700.0
BRANCH = Outlook(
    "acme",
    is_direct=False,
    kms_key="kek",
    ring_rows=5,
    active_branch=2,
    leaving_branch=frozenset({1}),
    live_index=frozenset({1}),
    made=frozenset({KeyUse.BRANCH}),
)
INDEX = replace(
    BRANCH,
    active_branch=1,
    leaving_branch=frozenset(),
    live_index=frozenset({1, 2}),
    pending_index=2,
    dead_index=frozenset({1}),
    leaving_index=frozenset({1}),
    made=frozenset({KeyUse.INDEX}),
)


def reckoned(rows: Sequence[ReckonedRow], outlook: Outlook = BRANCH, wanted: Wanted | None = None) -> Reckoned:
    """Of a vault of one tenant whose second shard is empty."""
    reckoning = RotationReckoning({outlook.tenant_id: outlook}, wanted or Wanted(), MACHINERY, SIZES)
    for at in range(0, len(rows) + 1, MACHINERY.page_rows):
        reckoning.read(PageRead(rows[at : at + MACHINERY.page_rows], 17))
    reckoning.end_shard()
    reckoning.read(PageRead([], 1))
    reckoning.end_shard()
    return reckoning.reckoned([len(rows), 0], MEAN)


def rewrapped(*rows: ReckonedRow, outlook: Outlook = BRANCH) -> Bill:
    return reckoned(rows, outlook).steps["rewrap"]


# Re-wrapping.


def test_a_stale_record_is_one_write() -> None:
    assert rewrapped(*[ROW] * 10).requests["dynamodb:UpdateItem"] == 10


def test_a_current_record_is_none() -> None:
    bill = rewrapped(*[ROW._replace(branch_key_version=2)] * 10)
    assert (bill.requests["dynamodb:UpdateItem"], bill.kms_calls) == (0, 0)


def test_a_record_of_more_than_a_kilobyte_is_two_units() -> None:
    small, mixed = rewrapped(*[ROW] * 10), rewrapped(*[ROW] * 9, ROW._replace(known_bytes=1000))
    assert mixed.write_units == small.write_units + 1


@pytest.mark.parametrize("records", [1, 99, 2400, 24_900])
def test_kms_is_asked_once_while_keys_are_kept_and_not_once_a_record(records: int) -> None:
    """For the branch key of before, that of now, and the audit key."""
    assert rewrapped(*[ROW] * records).requests["kms:Decrypt"] == 3


def test_kms_is_asked_again_when_keys_are_too_old() -> None:
    assert rewrapped(*[ROW] * 25_100).requests["kms:Decrypt"] == 6


def test_a_call_ends_after_so_many_pages() -> None:
    assert (rewrapped(*[ROW] * 2499).invocations, rewrapped(*[ROW] * 2500).invocations) == (2, 3)


def test_each_page_with_something_to_do_has_an_audit_entry() -> None:
    """And each page a cursor."""
    assert rewrapped(*[ROW] * 250).requests["dynamodb:PutItem"] == 3 + 3 + 1


def test_direct_wrapping_asks_kms_for_each_record_that_moves() -> None:
    direct = replace(BRANCH, is_direct=True)
    moving = [ROW._replace(branch_key_version=None, kms_key="other")] * 7
    staying = [ROW._replace(branch_key_version=None, kms_key="kek")] * 7
    assert rewrapped(*moving, outlook=direct).requests["kms:ReEncrypt"] == 7
    assert rewrapped(*staying, outlook=direct).kms_calls == 0


def test_records_of_a_tenant_that_has_left_are_not_touched() -> None:
    assert reckoned([ROW] * 10, replace(BRANCH, is_off_boarded=True)).re_wraps == 0


def test_records_of_other_tenants_than_the_one_that_is_named_are_not_touched() -> None:
    assert reckoned([ROW] * 10, wanted=Wanted(tenant_id="other")).re_wraps == 0


def test_after_a_compromise_the_pass_before_the_wait_does_the_work() -> None:
    found = reckoned([ROW] * 10, replace(BRANCH, is_compromised=True))
    assert found.steps["rewrap-first"].requests["dynamodb:UpdateItem"] == 10
    assert found.steps["rewrap"].requests["dynamodb:UpdateItem"] == 0


# Re-indexing, and what comes of it.


def test_each_record_in_the_index_gets_an_entry_and_loses_one() -> None:
    found = reckoned([ROW] * 60, INDEX)
    assert (found.re_indexes, found.sweeps, found.waits) == (60, 60, 3)
    assert found.steps["reindex"].requests["dynamodb:TransactWriteItems"] == 3


def test_records_outside_the_index_and_message_keys_stay_outside() -> None:
    outside = ROW._replace(index_versions=frozenset())
    message_key = outside._replace(kind=Kind.MESSAGE_KEY)
    assert reckoned([outside, message_key], INDEX).re_indexes == 0


def test_without_a_new_index_version_nothing_is_swept_and_only_one_census_taken() -> None:
    found = reckoned([ROW] * 10)
    assert (set(found.steps), found.waits) == ({"rewrap", "last-census", "control"}, 1)


# A vault that is not there.


def suppose(records: int, tenants: int = 1) -> Reckoned:
    return supposed(records, tenants, parse(POLICY), Wanted(), MACHINERY, SIZES, MEAN)


def test_a_supposed_vault_grows_evenly() -> None:
    """Beyond a call in each shard."""
    small, large = suppose(1_000_000).total, suppose(10_000_000).total
    assert large.write_units == pytest.approx(10 * small.write_units, rel=0.01)
    assert large.requests.total() == pytest.approx(10 * small.requests.total(), rel=0.01)


def test_a_supposed_vault_has_as_many_records_as_are_supposed() -> None:
    assert [round(suppose(records).records) for records in (1, 150, 12_345)] == [1, 150, 12_345]


def test_many_tenants_cost_more_calls_to_kms() -> None:
    assert suppose(10_000, tenants=50).total.kms_calls > 10 * suppose(10_000).total.kms_calls
