"""What a purge takes: the same whatever the vault holds that is not due, and for each due number the same."""

import pytest

from tests.many_due import purged, world_of

MOST_BYTES = 600_000
"""That a call of a job holds beside what the tables do: a page of records, or a receipt's 1,000 leaves."""
WRITES = ("retained.shred", "retained.clear", "due.leave", "due.close")
ASKED_OF_EACH_SUBJECT = "subjects.read"
"""Whether an erasure of it has waited for this."""


def test_a_purge_with_nothing_due_makes_the_same_calls_in_a_vault_of_100_and_of_10_000_records() -> None:
    small, large = (purged(*world_of(0, others)) for others in (100, 10_000))
    assert small.calls == large.calls
    assert sum(small.calls.values()) < 50


def test_what_is_not_due_makes_no_difference_to_what_is() -> None:
    alone, among_others = (purged(*world_of(50, others)) for others in (0, 5_000))
    assert alone.calls == among_others.calls


@pytest.mark.parametrize("due", [100, 1_600])
def test_each_due_number_takes_four_writes(due: int) -> None:
    taken = purged(*world_of(due))
    assert taken.output["purged"] == due
    assert {name: taken.calls[name] for name in WRITES} == dict.fromkeys(WRITES, due)
    assert taken.calls[ASKED_OF_EACH_SUBJECT] == due


def test_what_a_page_takes_beside_does_not_grow() -> None:
    """16 partitions of a day are read by themselves, and a page of a plan may have room for what follows."""
    beside = []
    for due in (1_600, 6_400):
        taken = purged(*world_of(due))
        beside.append((sum(taken.calls.values()) - due * len((*WRITES, ASKED_OF_EACH_SUBJECT))) / (due / 100))
    assert beside[1] <= beside[0] < 16


def test_no_call_holds_more_of_a_larger_purge() -> None:
    for due in (1_100, 4_400):
        taken = purged(*world_of(due), measuring=True)
        assert taken.output["purged"] == due
        assert taken.most_bytes < MOST_BYTES
