"""Who is calling, in the form that principals are matched with."""

from collections.abc import Mapping

import pytest

from phone_vault.domain.callers import (
    UNKNOWN,
    Authentication,
    Caller,
    UserPool,
    direct_caller,
    iam_caller,
    jwt_caller,
)

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
POOL = UserPool("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example00", "3example4client5id6")
CLAIMS: Mapping[str, object] = {
    "sub": "6f0c2b1a",
    "cognito:groups": "[support privacy]",
    "iss": POOL.issuer,
    "client_id": POOL.client_id,
    "token_use": "access",
    "username": "agent-1",
}
ABSENT = object()

# Claims in place of the right ones.
FOREIGN_TOKENS: dict[str, dict[str, object]] = {
    "identity-token": {"token_use": "id"},
    "refresh-token": {"token_use": "refresh"},
    "no-use": {"token_use": ABSENT},
    "use-in-capitals": {"token_use": "ACCESS"},
    "uses-as-a-list": {"token_use": ["access"]},
    "other-pool": {"iss": POOL.issuer.replace("Example00", "Example01")},
    "pool-of-another-region": {"iss": POOL.issuer.replace("idp.eu-west-1", "idp.eu-west-2")},
    "longer-issuer": {"iss": f"{POOL.issuer}/"},
    "issuer-in-capitals": {"iss": POOL.issuer.upper()},
    "plain-http": {"iss": POOL.issuer.replace("https", "http")},
    "no-issuer": {"iss": ABSENT},
    "null-issuer": {"iss": None},
    "issuers-as-a-list": {"iss": [POOL.issuer]},
    "other-client": {"client_id": "3example4client5id7"},
    "no-client": {"client_id": ABSENT},
    "null-client": {"client_id": None},
    # As an identity token names its client.
    "client-as-audience": {"client_id": ABSENT, "aud": POOL.client_id},
}
FOREIGN_GROUPS: dict[str, object] = {
    "lone-surrogate": "[\ud800]",
    "null-character": "[a\x00]",
    "zero-width-space": "[a\u200b]",
    "absent": ABSENT,
    "null": None,
    "none": "[]",
    "blank": "[ ]",
    "blanks": "[  ]",
    "empty": "",
    "without-brackets": "support",
    "without-brackets-two": "support privacy",
    "rest-api": "support,privacy]",
    "opened": "[support",
    "closed": "support]",
    "a-list": ["support"],
    "within-groups": "[[support]]",
    "two-lists": "[support] [admin]",
    "bracket-within": "[support]admin]",
    "space-before": "[ support]",
    "space-after": "[support ]",
    "two-spaces": "[support  privacy]",
    "outside": " [support]",
    "tab": "[support\tprivacy]",
    "two-lines": "[support\nprivacy]",
    "line-after": "[support]\n",
    "no-break-space": "[support\u00a0privacy]",
    "information-separator": "[support\x1fprivacy]",
    "number": 7,
    "truth": True,
    "object": {"support": True},
}


def claims(**other: object) -> dict[str, object]:
    return {name: value for name, value in {**CLAIMS, **other}.items() if value is not ABSENT}


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
    assert jwt_caller(CLAIMS, POOL) == Caller(("group:support", "group:privacy"), Authentication.JWT)


@pytest.mark.parametrize("name", ["support", "a,b", "a-b_c.d", "Ünïted", "x" * 128])
def test_a_person_may_be_in_one_group_of_any_name(name: str) -> None:
    assert jwt_caller(claims(**{"cognito:groups": f"[{name}]"}), POOL).names == (f"group:{name}",)


@pytest.mark.parametrize("name", ["direct", "direct:billing", f"arn:aws:iam::{ACCOUNT}:role/x", "group:x", "*"])
def test_a_group_cannot_be_named_like_another_kind_of_caller(name: str) -> None:
    assert jwt_caller(claims(**{"cognito:groups": f"[{name}]"}), POOL).names == (f"group:{name}",)


def test_a_group_that_is_named_twice_is_one_principal() -> None:
    assert jwt_caller(claims(**{"cognito:groups": "[support support]"}), POOL).names == ("group:support",)


def test_another_claim_about_groups_names_nobody() -> None:
    assert jwt_caller(claims(**{"cognito:groups": ABSENT, "groups": "[support]"}), POOL) == UNKNOWN


@pytest.mark.parametrize("other", FOREIGN_TOKENS.values(), ids=list(FOREIGN_TOKENS))
def test_a_token_that_is_no_access_token_of_the_pool_names_nobody(other: dict[str, object]) -> None:
    assert jwt_caller(claims(**other), POOL) == UNKNOWN


@pytest.mark.parametrize("groups", FOREIGN_GROUPS.values(), ids=list(FOREIGN_GROUPS))
def test_groups_that_api_gateway_does_not_write_so_name_nobody(groups: object) -> None:
    assert jwt_caller(claims(**{"cognito:groups": groups}), POOL) == UNKNOWN


def test_no_claims_name_nobody() -> None:
    assert jwt_caller({}, POOL) == UNKNOWN


def test_where_no_pool_is_set_a_token_names_nobody() -> None:
    assert jwt_caller(CLAIMS, None) == UNKNOWN


def test_nobody_has_no_name() -> None:
    assert UNKNOWN.names == ()
