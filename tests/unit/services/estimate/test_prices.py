"""What AWS asks for."""

import pytest

from phone_vault.services.estimate.bill import Bill, reads, writes
from phone_vault.services.estimate.prices import Prices, cost


def test_units_are_begun_ones() -> None:
    assert [reads(size) for size in (0, 1, 4096, 4097)] == [1, 1, 1, 2]
    assert [writes(size) for size in (0, 1, 1024, 1025)] == [1, 1, 1, 2]


def test_each_service_has_its_price() -> None:
    bill = Bill(read_units=2e6, write_units=1e6, invocations=1e6, transitions=1000)
    bill.ask("kms:Decrypt", 10_000)
    prices = Prices(
        million_read_units=1,
        million_write_units=3,
        ten_thousand_kms_calls=7,
        million_invocations=11,
        gigabyte_second=2,
        thousand_transitions=13,
    )
    assert cost(bill, 5, prices) == {"dynamodb": 5, "kms": 7, "lambda": 21, "step_functions": 13}


def test_a_price_can_be_replaced() -> None:
    assert Prices().with_others({"gigabyte_second": 1}) == Prices(gigabyte_second=1)


def test_a_price_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match="no such price: moon; there are million_read_units"):
        Prices().with_others({"moon": 1})
