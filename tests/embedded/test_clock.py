"""The embedded clock."""

import time
from datetime import UTC, datetime

import pytest

from phone_vault.adapters.clock import SystemClock
from phone_vault.local import LocalCloud


def test_it_starts_when_it_is_told_to() -> None:
    cloud = LocalCloud(start="2026-03-04T06:07:08+01:00")
    assert cloud.clock.now() == datetime(2026, 3, 4, 5, 7, 8, tzinfo=UTC)
    assert cloud.clock.now().tzinfo is UTC


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        LocalCloud(start="2026-01-01T00:00:00")


def test_it_stands_still(cloud: LocalCloud) -> None:
    before = cloud.clock.now()
    time.sleep(0.01)
    assert cloud.clock.now() == before


def test_it_advances_by_all_that_is_given(cloud: LocalCloud) -> None:
    cloud.clock.advance(days=1, hours=2, minutes=3, seconds=4)
    assert cloud.clock.now() == datetime(2026, 1, 2, 2, 3, 4, tzinfo=UTC)


def test_it_never_goes_back(cloud: LocalCloud) -> None:
    with pytest.raises(ValueError, match="never goes back"):
        cloud.clock.advance(days=-1)


def test_functions_see_it(cloud: LocalCloud) -> None:
    cloud.clock.advance(days=10)
    assert SystemClock().now() == cloud.clock.now()
