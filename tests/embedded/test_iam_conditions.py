"""The evaluator of policies, on documents of its own. It never guesses: what it does not know raises."""

import json
from typing import Any

import pytest

from phone_vault.local.iam.conditions import ContextValues, holds
from phone_vault.local.iam.patterns import UnsupportedPolicy
from phone_vault.local.iam.policies import AuthorizationRequest, Verdict, verdict
from tests.embedded.probes import Statement, allow, deny

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/Things"


def _judged(*statements: Statement, action: str = "dynamodb:GetItem", resource: str = TABLE, **context: Any) -> Verdict:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return verdict([policy], AuthorizationRequest(action, resource, {"dynamodb:leadingkeys": None, **context}))


@pytest.mark.parametrize(
    "statement",
    [
        allow("dynamodb:GetItem", TABLE),
        allow(["dynamodb:PutItem", "dynamodb:GetItem"], ["arn:aws:s3:::b", TABLE]),
        allow("dynamodb:Get*", TABLE),
        allow("dynamodb:?etItem", TABLE),
        allow("DynamoDB:getitem", TABLE),
        allow("*", "*"),
        allow("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/Thing?"),
    ],
)
def test_an_allow_that_matches_allows(statement: Statement) -> None:
    assert _judged(statement) is Verdict.ALLOWED


@pytest.mark.parametrize(
    "statement",
    [
        allow("dynamodb:GetItems", TABLE),
        allow("dynamodb:GetItem", TABLE + "/index/Due"),
        allow("dynamodb:GetItem", TABLE.lower()),
        allow("kms:*", "*"),
        allow("dynamodb.GetItem", TABLE),
    ],
)
def test_an_allow_that_does_not_match_is_silent(statement: Statement) -> None:
    assert _judged(statement) is Verdict.SILENT


def test_a_deny_outweighs_an_allow_before_it() -> None:
    assert _judged(allow("*", "*"), deny("dynamodb:GetItem", TABLE)) is Verdict.DENIED


def test_a_deny_outweighs_an_allow_after_it() -> None:
    assert _judged(deny("dynamodb:GetItem", TABLE), allow("*", "*")) is Verdict.DENIED


def test_a_policy_may_have_one_statement_without_a_list() -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow("*", "*")})
    assert verdict([policy], AuthorizationRequest("a:B", "arn")) is Verdict.ALLOWED


VALUES: dict[str, ContextValues] = {
    "kms:encryptioncontext:use": ("audit",),
    "aws:principalarn": ("arn:aws:iam::123456789012:role/vault/functions/Reveal",),
    "aws:securetransport": ("true",),
    "kms:viaservice": None,
    "dynamodb:leadingkeys": ("Reveal#1", "Reveal#2"),
    "dynamodb:attributes": None,
}

USE = "kms:EncryptionContext:use"
ROLE = "aws:PrincipalArn"
KEYS = "dynamodb:LeadingKeys"
ABSENT = "kms:ViaService"
NONE = "dynamodb:Attributes"


@pytest.mark.parametrize(
    "block",
    [
        {"StringEquals": {USE: "audit"}},
        {"StringEquals": {USE: ["index", "audit"]}},
        {"StringEquals": {"KMS:encryptioncontext:USE": "audit"}},
        {"StringLike": {USE: "a*t"}},
        {"StringNotEquals": {USE: "branch"}},
        {"StringNotEquals": {ABSENT: "dynamodb"}},
        {"StringNotLike": {USE: ["b*", "i*"]}},
        {"StringEqualsIfExists": {ABSENT: "dynamodb"}},
        {"StringEqualsIfExists": {USE: "audit"}},
        {"ArnLike": {ROLE: "arn:aws:iam::*:role/vault/functions/*"}},
        {"ArnNotLike": {ROLE: "arn:aws:iam::*:role/other/*"}},
        {"Bool": {"aws:SecureTransport": True}},
        {"Null": {ABSENT: "true"}},
        {"Null": {USE: False}},
        {"ForAllValues:StringEquals": {KEYS: ["Reveal#2", "Reveal#1", "Reveal#3"]}},
        {"ForAllValues:StringLike": {KEYS: "Reveal#*"}},
        {"ForAllValues:StringLike": {NONE: "anything"}},
        {"ForAnyValue:StringEquals": {KEYS: "Reveal#2"}},
        {"StringEquals": {USE: "audit"}, "ArnLike": {ROLE: "*"}},
        {},
    ],
)
def test_a_condition_holds(block: dict[str, Any]) -> None:
    assert holds(block, VALUES.__getitem__)


@pytest.mark.parametrize(
    "block",
    [
        {"StringEquals": {USE: "Audit"}},
        {"StringEquals": {USE: "a*"}},
        {"StringEquals": {ABSENT: "dynamodb"}},
        {"StringLike": {USE: "udit"}},
        {"StringNotEquals": {USE: ["branch", "audit"]}},
        {"StringNotLike": {USE: ["b*", "a*"]}},
        {"StringEqualsIfExists": {USE: "branch"}},
        {"ArnLike": {ROLE: "arn:aws:iam::*:role/other/*"}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Null": {ABSENT: "false"}},
        {"Null": {USE: "true"}},
        {"ForAllValues:StringLike": {KEYS: ["Reveal#1"]}},
        {"ForAnyValue:StringLike": {KEYS: ["Lookup#*"]}},
        {"ForAnyValue:StringLike": {NONE: "*"}},
        {"StringEquals": {USE: "audit", ROLE: "other"}},
    ],
)
def test_a_condition_does_not_hold(block: dict[str, Any]) -> None:
    assert not holds(block, VALUES.__getitem__)


@pytest.mark.parametrize(
    "block",
    [
        {"StringEqualsIgnoreCase": {USE: "audit"}},
        {"NumericLessThan": {USE: "1"}},
        {"ForAllValues:DateEquals": {KEYS: "1"}},
        {"StringEquals": {KEYS: "Reveal#1"}},
        {"StringLike": {USE: "${aws:username}"}},
    ],
)
def test_a_condition_that_it_does_not_know_raises(block: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedPolicy):
        holds(block, VALUES.__getitem__)


@pytest.mark.parametrize(
    "statement",
    [
        allow("dynamodb:GetItem", TABLE, StringEquals={"dynamodb:Select": "COUNT"}),
        allow("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/${aws:username}"),
        {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotResource": TABLE},
        {"Effect": "Perhaps", "Action": "*", "Resource": "*"},
    ],
)
def test_a_statement_that_it_does_not_know_raises(statement: Statement) -> None:
    with pytest.raises(UnsupportedPolicy):
        _judged(statement)
