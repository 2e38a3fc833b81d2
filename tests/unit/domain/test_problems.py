"""The one table from a refusal's type to the problem that the caller receives."""

from collections.abc import Iterator
from typing import Any

import pytest

from phone_vault.domain import errors
from phone_vault.domain.problems import PROBLEM_TYPES, ProblemType, problem_of

CONTRACT = {
    "invalid-request": 400,
    "invalid-message": 400,
    "invalid-number": 422,
    "purpose-not-registered": 422,
    "consent-required": 422,
    "identifier-not-pseudonymous": 422,
    "objection-not-applicable": 422,
    "principal-not-permitted": 403,
    "purpose-not-permitted": 403,
    "not-found": 404,
    "conflict": 409,
    "under-legal-hold": 409,
    "suppressed": 409,
    "version-in-use": 409,
    "circuit-breaker-open": 409,
    "erased": 410,
    "restricted": 423,
    "quota-exceeded": 429,
    "key-unavailable": 503,
    "audit-unavailable": 503,
    "store-unavailable": 503,
}


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    """All the way down."""
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_refusal_stands_in_the_table() -> None:
    assert set(subclasses(errors.Refusal)) == set(PROBLEM_TYPES)


@pytest.mark.parametrize("kind", PROBLEM_TYPES.values(), ids=lambda kind: kind.name)
def test_a_problem_has_the_contract_s_name_and_status(kind: ProblemType) -> None:
    assert CONTRACT[kind.name] == kind.status


def test_no_two_refusals_share_a_problem() -> None:
    assert len({kind.name for kind in PROBLEM_TYPES.values()}) == len(PROBLEM_TYPES)


def test_no_service_fault_can_be_answered_as_a_problem() -> None:
    assert not any(issubclass(kind, errors.ServiceFault) for kind in PROBLEM_TYPES)


def test_a_problem_has_type_title_status_and_detail() -> None:
    assert problem_of(errors.NotFound("the tenant has no such token")) == {
        "type": "urn:phone-vault:problem:not-found",
        "title": "There is nothing of that name",
        "status": 404,
        "detail": "the tenant has no such token",
    }


def test_a_malformed_request_lists_each_fault_with_its_pointer() -> None:
    faults = [errors.Fault("/number", "is missing"), errors.Fault("", "has a field that is not one of this request")]
    assert problem_of(errors.InvalidRequest(faults))["errors"] == [
        {"pointer": "/number", "detail": "is missing"},
        {"pointer": "", "detail": "has a field that is not one of this request"},
    ]


def test_a_malformed_request_s_detail_names_all_faults() -> None:
    faults = [errors.Fault("/number", "is missing"), errors.Fault("", "must be an object")]
    assert problem_of(errors.InvalidRequest(faults))["detail"] == "/number: is missing; the request: must be an object"
