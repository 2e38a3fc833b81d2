"""Rules that hold for every role of the templates, those of later functions too."""

import pytest

from tests.infrastructure.roles import ROLES, Grant, grants
from tests.infrastructure.templates import FUNCTIONS, JOBS, RIGHTS, Template, listed

RETURN_VALUES = "dynamodb:ReturnValues"
SERVICES = {"dynamodb", "kms", "logs", "sqs", "xray"}
OF_JOBS = {
    *("census#*", "offboard#*", "receipt#*", "rotation#latest", "run#*"),
    *("plan#*", "plan#*#*", "purge#*", "purge#*#*", "purge#low-water", "receipt#purge#*"),
}
"""Rows of Operations that jobs keep; quotas are none of them."""
OF_ERASURES = {"receipt#erasure#*"}
"""Those that rights keep."""
WITH_CIPHERTEXT = ("KeyRing", "Numbers", "RecordKeys")
SHOWS_NOTHING = {"NONE"}
SHOWS_WHAT_IT_WROTE = {"NONE", "UPDATED_NEW"}

every_role = pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)


def table_of(grant: Grant) -> str:
    """The table's name without the vault's, or nothing."""
    return grant.resource.rpartition("/phone-vault-")[2] if ":table/" in grant.resource else ""


def shown(grant: Grant) -> set[str]:
    """The return values that it is held to; none when it is not."""
    return {
        value
        for operator in ("StringEquals", "StringEqualsIfExists")
        for value in listed(grant.conditions.get(operator, {}).get(RETURN_VALUES, []))
    }


def reads_operations(grant: Grant) -> bool:
    """Whether what the table has can come back; quotas are counted without reading anything but the count."""
    return table_of(grant) == "Operations" and not (
        grant.action == "dynamodb:UpdateItem" and set() < shown(grant) <= SHOWS_WHAT_IT_WROTE
    )


def reads_by_deleting(grant: Grant) -> bool:
    """Whether a delete may answer what it deleted."""
    deletes = grant.action in ("dynamodb:DeleteItem", "dynamodb:PartiQLDelete")
    return deletes and table_of(grant) in WITH_CIPHERTEXT and shown(grant) != SHOWS_NOTHING


def leading_keys(grant: Grant) -> set[str]:
    """Of the rows that it is held to; none when it is not."""
    return set(listed(grant.conditions.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_for_applications_reads_operations(function: str) -> None:
    assert not [grant for grant in grants(ROLES[f"{function}Role"]) if reads_operations(grant)]


@pytest.mark.parametrize("function", JOBS)
def test_a_job_reads_and_writes_rows_of_jobs_in_operations_by_their_keys(function: str) -> None:
    by_key = {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"}
    for grant in grants(ROLES[f"{function}Role"]):
        if table_of(grant) == "Operations":
            assert grant.action in by_key
            assert set() < leading_keys(grant) <= OF_JOBS


@pytest.mark.parametrize("function", RIGHTS)
def test_a_right_reads_and_writes_receipts_of_erasures_in_operations_and_counts_calls(function: str) -> None:
    for grant in grants(ROLES[f"{function}Role"]):
        if reads_operations(grant):
            assert grant.action in ("dynamodb:BatchGetItem", "dynamodb:PutItem")
            assert leading_keys(grant) == OF_ERASURES


@every_role
def test_no_function_reads_ciphertext_by_deleting_it(role: Template) -> None:
    assert not [grant for grant in grants(role) if reads_by_deleting(grant)]


@every_role
def test_no_function_acts_on_functions_policies_or_code(role: Template) -> None:
    assert {grant.action.partition(":")[0] for grant in grants(role)} <= SERVICES


@every_role
def test_no_function_changes_a_table_or_its_policy(role: Template) -> None:
    on_items = {"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"}
    actions = {grant.action for grant in grants(role) if grant.action.startswith("dynamodb:")}
    assert actions <= {f"dynamodb:{each}" for each in on_items}


# The rules bite: made-up grants that they are for.


def of(action: str, table: str, operator: str = "", *values: str) -> Grant:
    conditions = {operator: {RETURN_VALUES: list(values)}} if operator else {}
    return Grant(f"dynamodb:{action}", f"arn:aws:dynamodb:eu-west-1:123456789012:table/phone-vault-{table}", conditions)


@pytest.mark.parametrize("action", ["GetItem", "BatchGetItem", "Query", "Scan", "PartiQLSelect", "PutItem"])
def test_every_other_right_to_operations_is_found(action: str) -> None:
    assert reads_operations(of(action, "Operations", "StringEquals", "NONE"))


@pytest.mark.parametrize("value", ["ALL_OLD", "UPDATED_OLD", "ALL_NEW"])
def test_an_update_of_operations_that_shows_more_than_it_wrote_is_found(value: str) -> None:
    assert reads_operations(of("UpdateItem", "Operations", "StringEquals", "NONE", value))


def test_an_update_of_operations_that_is_held_to_nothing_is_found() -> None:
    assert reads_operations(of("UpdateItem", "Operations"))


def test_counting_in_operations_is_no_reading() -> None:
    assert not reads_operations(of("UpdateItem", "Operations", "StringEquals", "UPDATED_NEW"))


@pytest.mark.parametrize("table", WITH_CIPHERTEXT)
@pytest.mark.parametrize("condition", [(), ("StringEquals", "NONE", "ALL_OLD"), ("StringNotEquals", "ALL_OLD")])
def test_a_delete_that_may_show_ciphertext_is_found(table: str, condition: tuple[str, ...]) -> None:
    assert reads_by_deleting(of("DeleteItem", table, *condition))


@pytest.mark.parametrize("operator", ["StringEquals", "StringEqualsIfExists"])
def test_a_delete_that_shows_nothing_is_none(operator: str) -> None:
    assert not reads_by_deleting(of("DeleteItem", "Numbers", operator, "NONE"))
