"""Who is calling, in the form that principals are matched with."""

import pytest

from phone_vault.domain.callers import UNKNOWN, Authentication, Caller, direct_caller, iam_caller, jwt_caller

ACCOUNT = "123456789012"

HOSTILE_ARNS = {
    "role-itself": f"arn:aws:iam::{ACCOUNT}:role/otp-sender",
    "user": f"arn:aws:iam::{ACCOUNT}:user/otp-sender",
    "federated-user": f"arn:aws:sts::{ACCOUNT}:federated-user/otp-sender",
    "root": f"arn:aws:iam::{ACCOUNT}:root",
    "no-session": f"arn:aws:sts::{ACCOUNT}:assumed-role/otp-sender",
    "empty-session": f"arn:aws:sts::{ACCOUNT}:assumed-role/otp-sender/",
    "empty-role": f"arn:aws:sts::{ACCOUNT}:assumed-role//session",
    "path": f"arn:aws:sts::{ACCOUNT}:assumed-role/path/otp-sender/session",
    "slash-in-session": f"arn:aws:sts::{ACCOUNT}:assumed-role/x/otp-sender/session",
    "other-service": f"arn:aws:iam::{ACCOUNT}:assumed-role/otp-sender/session",
    "short-account": "arn:aws:sts::12345678901:assumed-role/otp-sender/session",
    "letters-for-account": "arn:aws:sts::abcdefghijkl:assumed-role/otp-sender/session",
    "region": f"arn:aws:sts:eu-west-1:{ACCOUNT}:assumed-role/otp-sender/session",
    "before": f"x arn:aws:sts::{ACCOUNT}:assumed-role/otp-sender/session",
    "two-lines": f"arn:aws:sts::{ACCOUNT}:assumed-role/otp-sender\n/session",
    "other-partition": f"arn:evil:sts::{ACCOUNT}:assumed-role/otp-sender/session",
    "wildcard": f"arn:aws:sts::{ACCOUNT}:assumed-role/*/session",
    "empty": "",
}
NOT_ACCESS_TOKENS: dict[str, dict[str, object]] = {
    "identity-token": {"token_use": "id", "cognito:groups": "[support]"},
    "no-use": {"cognito:groups": "[support]"},
    "use-in-capitals": {"token_use": "ACCESS", "cognito:groups": "[support]"},
    "no-groups": {"token_use": "access"},
    "empty-groups": {"token_use": "access", "cognito:groups": "[]"},
    "blank-groups": {"token_use": "access", "cognito:groups": "[  ]"},
    "groups-without-brackets": {"token_use": "access", "cognito:groups": "support"},
    "groups-as-a-list": {"token_use": "access", "cognito:groups": ["support"]},
    "groups-in-groups": {"token_use": "access", "cognito:groups": "[support] [admin]"},
    "null-groups": {"token_use": "access", "cognito:groups": None},
    "group-by-another-claim": {"token_use": "access", "groups": "[support]"},
    "nothing": {},
}


def test_a_direct_invocation_is_direct() -> None:
    assert direct_caller(None) == Caller(("direct",), Authentication.DIRECT)


def test_an_invocation_by_an_alias_has_the_alias_s_name_alone() -> None:
    assert direct_caller("billing").names == ("direct:billing",)


def test_an_assumed_role_is_named_by_its_role_and_not_by_its_session() -> None:
    caller = iam_caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/otp-sender/alice@example")
    assert caller == Caller((f"arn:aws:iam::{ACCOUNT}:role/otp-sender",), Authentication.IAM)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_role_keeps_its_partition(partition: str) -> None:
    caller = iam_caller(f"arn:{partition}:sts::{ACCOUNT}:assumed-role/otp-sender/session")
    assert caller.names == (f"arn:{partition}:iam::{ACCOUNT}:role/otp-sender",)


def test_a_role_may_have_every_character_that_iam_allows() -> None:
    caller = iam_caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_a+b=c,d.e@f-0/session")
    assert caller.names == (f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_a+b=c,d.e@f-0",)


@pytest.mark.parametrize("arn", HOSTILE_ARNS.values(), ids=list(HOSTILE_ARNS))
def test_any_other_arn_names_nobody(arn: str) -> None:
    assert iam_caller(arn) == UNKNOWN


def test_a_person_has_the_names_of_all_groups() -> None:
    caller = jwt_caller({"token_use": "access", "cognito:groups": "[support privacy]"})
    assert caller == Caller(("group:support", "group:privacy"), Authentication.JWT)


def test_a_group_cannot_be_named_like_another_kind_of_caller() -> None:
    caller = jwt_caller({"token_use": "access", "cognito:groups": "[direct direct:billing]"})
    assert caller.names == ("group:direct", "group:direct:billing")


@pytest.mark.parametrize("claims", NOT_ACCESS_TOKENS.values(), ids=list(NOT_ACCESS_TOKENS))
def test_anything_but_an_access_token_with_groups_names_nobody(claims: dict[str, object]) -> None:
    assert jwt_caller(claims) == UNKNOWN


def test_nobody_has_no_name() -> None:
    assert UNKNOWN.names == ()
