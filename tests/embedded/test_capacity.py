"""The capacity calculator, by AWS's own examples."""

from typing import Any

import pytest

from phone_vault.local.capacity import Item, Reading, Writing, index_write_units, item_size, read_units, write_units

KB = 1024


def _item_of(size: int) -> Item:
    return {"a": {"S": "x" * (size - 1)}}


# DynamoDB Developer Guide, "DynamoDB item sizes and formats".
@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "text"}, 4),
        ({"S": "é"}, 2),
        ({"N": "27"}, 2),
        ({"N": "1000"}, 2),
        ({"N": "0.0001"}, 2),
        ({"N": "12345"}, 4),
        ({"N": "-27"}, 3),
        ({"N": "0"}, 1),
        ({"B": b"12345"}, 5),
        ({"B": "MTIzNDU="}, 5),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "23"]}, 4),
        ({"BS": [b"a", b"bc"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + (1 + 2) + (1 + 2)),
        ({"M": {}}, 3),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2),
    ],
)
def test_an_attributes_size_is_its_names_and_its_values(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == len("name") + size


# The same guide, "Read operations": a strongly consistent read of 8 KB is 2 units, an eventually consistent one 1, a
# transactional one 4; 3.5 KB count as 4 KB, 10 KB as 12 KB.
@pytest.mark.parametrize(
    ("size", "reading", "units"),
    [
        (8 * KB, Reading.STRONGLY_CONSISTENT, 2),
        (8 * KB, Reading.EVENTUALLY_CONSISTENT, 1),
        (8 * KB, Reading.TRANSACTIONAL, 4),
        (3584, Reading.STRONGLY_CONSISTENT, 1),
        (10 * KB, Reading.STRONGLY_CONSISTENT, 3),
        (10 * KB, Reading.EVENTUALLY_CONSISTENT, 1.5),
        (0, Reading.STRONGLY_CONSISTENT, 1),
        (0, Reading.EVENTUALLY_CONSISTENT, 0.5),
    ],
)
def test_a_read_costs_by_4_kb(size: int, reading: Reading, units: float) -> None:
    assert read_units(size, reading) == units


# The same guide, "Write operations": 512 bytes are 1 unit, 2 KB are 2 and in a transaction 4.
@pytest.mark.parametrize(
    ("size", "writing", "units"),
    [
        (512, Writing.STANDARD, 1),
        (2 * KB, Writing.STANDARD, 2),
        (2 * KB, Writing.TRANSACTIONAL, 4),
        (1025, Writing.STANDARD, 2),
    ],
)
def test_a_write_costs_by_1_kb(size: int, writing: Writing, units: int) -> None:
    assert write_units(None, _item_of(size), writing) == units


def test_an_update_costs_by_the_larger_version() -> None:
    assert write_units(_item_of(3 * KB), _item_of(KB), Writing.STANDARD) == 3


def test_a_write_that_finds_nothing_costs_one_unit() -> None:
    assert write_units(None, None, Writing.STANDARD) == 1


# The same guide, "Provisioned throughput considerations for global secondary indexes: write capacity".
@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, {"due": {"S": "a"}}, 1),
        ({"due": {"S": "a"}}, {"due": {"S": "b"}}, 2),
        ({"due": {"S": "a"}}, None, 1),
        (None, None, 0),
        ({"due": {"S": "a"}, "x": {"S": "1"}}, {"due": {"S": "a"}, "x": {"S": "2"}}, 1),
        ({"due": {"S": "a"}}, {"due": {"S": "a"}}, 0),
    ],
)
def test_an_index_costs_what_changes_in_it(before: Item | None, after: Item | None, units: int) -> None:
    assert index_write_units(before, after, ("due",), Writing.STANDARD) == units


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="no such DynamoDB type"):
        item_size({"name": {"X": "1"}})
