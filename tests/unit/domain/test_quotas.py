"""Which counter counts what, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from phone_vault.domain import quotas

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GROUP = "group:support"


def test_a_counter_of_calls_names_function_principal_and_hour() -> None:
    assert quotas.calls("Reveal", GROUP, 10, NOON).name == "quota#Reveal#group:support#2026-11-23T12"


def test_a_counter_of_mismatches_names_tenant_token_and_hour() -> None:
    assert quotas.mismatches("acme", "tok_1", 20, NOON).name == "mismatches#acme#tok_1#2026-11-23T12"


@pytest.mark.parametrize("step", [timedelta(), timedelta(microseconds=1), timedelta(minutes=59, seconds=59)])
def test_an_hour_has_one_counter(step: timedelta) -> None:
    assert quotas.calls("Reveal", GROUP, 10, NOON + step) == quotas.calls("Reveal", GROUP, 10, NOON)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(microseconds=-1), timedelta(days=1), timedelta(-365)])
def test_another_hour_has_another_counter(step: timedelta) -> None:
    assert quotas.calls("Reveal", GROUP, 10, NOON + step).name != quotas.calls("Reveal", GROUP, 10, NOON).name


def test_a_counter_outlives_its_hour_by_two_days() -> None:
    assert quotas.calls("Reveal", GROUP, 10, NOON).ends_at == NOON + timedelta(hours=49)
