"""What a purge costs on the embedded AWS: requests while nothing is due, write units for each number that goes."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from phonenumbers import PhoneNumberFormat, format_number

from phone_vault.local import LocalCloud
from phone_vault.local.calls import AwsCall
from tests.unit.samples import example_numbers

POLICY = {
    "circuit_breaker": 1.0,
    "purposes": {
        "delivery": {"lawful_basis": "contract", "retention": {"days": 1, "from": "created"}},
        "support": {"lawful_basis": "contract", "retention": {"days": 2, "from": "created"}},
    },
    "principals": [{"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}],
}
MOST_WRITE_UNITS = 9
"""For each purged record, all that plan, run and receipt take included."""
MANY = 40
E164 = PhoneNumberFormat.E164
_BATCH = 20


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(policy=POLICY) as opened:
        yield opened


def protect(cloud: LocalCloud, count: int, *purposes: str) -> list[str]:
    """The tokens of as many numbers of subjects of their own."""
    items = [
        {"subject_id": f"cust-{at}", "number": format_number(number, E164), "purposes": {each: {} for each in purposes}}
        for at, number in enumerate(islice(example_numbers(), count))
    ]
    answers: list[dict[str, Any]] = []
    for at in range(0, count, _BATCH):
        answers += cloud.invoke("Protect", {"items": items[at : at + _BATCH]})["results"]
    return [answer["token"] for answer in answers]


def purge(cloud: LocalCloud, **given: str) -> tuple[dict[str, Any], list[AwsCall]]:
    """Its output, and the requests that it took."""
    before = len(cloud.calls)
    output = cloud.execute("Purge", given)
    return output, cloud.calls[before:]


def test_a_purge_with_nothing_due_takes_the_same_requests_in_a_small_and_in_a_larger_vault() -> None:
    taken = []
    for numbers in (2, 60):
        with LocalCloud(policy=POLICY) as cloud:
            protect(cloud, numbers, "support")
            purge(cloud)
            cloud.clock.advance(hours=23)
            output, calls = purge(cloud)
            assert (output["purged"], output["kept"]) == (0, 0)
            taken.append(Counter((call.function, call.operation) for call in calls))
    assert taken[0] == taken[1]
    assert taken[0]["AdvancePurge", "Scan"] == 0
    assert sum(taken[0].values()) <= 60


@pytest.mark.parametrize("is_planned", [True, False])
def test_a_purged_number_takes_at_most_nine_write_units(cloud: LocalCloud, is_planned: bool) -> None:  # noqa: FBT001
    protect(cloud, MANY, "delivery", "support")
    cloud.clock.advance(days=2)
    before = len(cloud.calls)
    given = {"plan_id": cloud.invoke("PlanPurge", {})["plan_id"]} if is_planned else {}
    output = cloud.execute("Purge", given)
    assert output["purged"] == MANY
    units = sum(call.write_units for call in cloud.calls[before:]) / MANY
    assert 6 <= units <= 7.5
    assert units <= MOST_WRITE_UNITS


def test_a_purged_message_key_takes_no_more(cloud: LocalCloud) -> None:
    for at in range(20):
        request = {"subject_id": f"cust-{at}", "number": "+44 7400 123456", "purpose": "delivery"}
        cloud.invoke("Encrypt", request)
    cloud.clock.advance(days=1)
    output, calls = purge(cloud)
    assert output["message_keys"] == 20
    assert sum(call.write_units for call in calls) / 20 <= MOST_WRITE_UNITS


def test_what_was_stored_in_one_moment_takes_at_most_nine_requests_a_number(cloud: LocalCloud) -> None:
    protect(cloud, MANY, "delivery")
    purge(cloud)
    cloud.clock.advance(days=1)
    _, calls = purge(cloud)
    assert len(calls) / MANY <= 9
