"""Moments as the contract writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from phone_vault.domain.moments import from_text, to_second, to_text

ACCEPTED = {
    "plain": ("2026-03-01T12:30:45Z", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
    "leap-day": ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    "last-second-of-a-year": ("2026-12-31T23:59:59Z", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
    "milliseconds": ("2026-03-01T12:30:45.999Z", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
    "a-tenth": ("2026-03-01T12:30:45.5Z", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
    "microseconds": ("2026-03-01T12:30:45.999999Z", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
    "first-year": ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    "last-year": ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
}

REFUSED = {
    "leap-second": "2016-12-31T23:59:60Z",
    "offset": "2026-03-01T12:30:45+00:00",
    "other-offset": "2026-03-01T13:30:45+01:00",
    "no-zone": "2026-03-01T12:30:45",
    "space-for-t": "2026-03-01 12:30:45Z",
    "lower-case": "2026-03-01t12:30:45z",
    "date-alone": "2026-03-01",
    "no-seconds": "2026-03-01T12:30Z",
    "compact": "20260301T123045Z",
    "week-date": "2026-W09-7T12:30:45Z",
    "comma-fraction": "2026-03-01T12:30:45,5Z",
    "empty-fraction": "2026-03-01T12:30:45.Z",
    "year-zero": "0000-01-01T00:00:00Z",
    "thirteenth-month": "2026-13-01T00:00:00Z",
    "no-leap-year": "2026-02-29T00:00:00Z",
    "hour-twenty-four": "2026-03-01T24:00:00Z",
    "trailing-newline": "2026-03-01T12:30:45Z\n",
    "other-digits": "202\N{FULLWIDTH DIGIT SIX}-03-01T12:30:45Z",
    "five-digit-year": "12026-03-01T12:30:45Z",
    "empty": "",
}


@pytest.mark.parametrize(("text", "moment"), ACCEPTED.values(), ids=list(ACCEPTED))
def test_rfc_3339_with_z_reads_to_the_second(text: str, moment: datetime) -> None:
    assert from_text(text) == moment


def test_a_fraction_may_have_as_many_digits_as_rfc_3339_allows() -> None:
    assert from_text("2026-03-01T12:30:45.123456789Z") == datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)


@pytest.mark.parametrize("text", REFUSED.values(), ids=list(REFUSED))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_text(text)


def test_what_is_read_is_aware_and_utc() -> None:
    assert from_text("2026-03-01T12:30:45Z").tzinfo is UTC


def test_a_moment_is_written_with_z_and_without_its_fraction() -> None:
    assert to_text(datetime(2026, 3, 1, 12, 30, 45, 999_999, tzinfo=UTC)) == "2026-03-01T12:30:45Z"


def test_a_moment_of_another_zone_is_written_in_utc() -> None:
    zone = timezone(timedelta(hours=-5, minutes=-30))
    assert to_text(datetime(2026, 2, 28, 20, 0, tzinfo=zone)) == "2026-03-01T01:30:00Z"


def test_the_first_year_is_written_with_four_digits() -> None:
    assert to_text(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"


def test_a_fraction_is_cut_off_not_rounded() -> None:
    assert to_second(datetime(2026, 3, 1, 0, 0, 0, 999_999, tzinfo=UTC)).second == 0


@pytest.mark.parametrize(("text", "moment"), ACCEPTED.values(), ids=list(ACCEPTED))
def test_what_is_written_reads_the_same(text: str, moment: datetime) -> None:
    assert from_text(to_text(from_text(text))) == moment
