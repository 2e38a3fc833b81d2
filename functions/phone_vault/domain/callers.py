"""Who is calling, in the form that the policy's principals are matched with."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

HTTP_ALIAS = "http"
"""The alias by which API Gateway comes, and under which alone a `requestContext` is believed."""

_ASSUMED_ROLE = re.compile(r"arn:(aws[a-z-]*):sts::([0-9]{12}):assumed-role/([\w+=,.@-]{1,64})/[^/]+")
# A Cognito group's name has no white space; one with a bracket in it is not told from the list's own, and not taken.
_COGNITO_GROUPS = re.compile(r"\[([^\s\[\]]+(?: [^\s\[\]]+)*)\]")


class Authentication(StrEnum):
    """What vouches for the caller's name."""

    DIRECT = "direct"
    """IAM on the function or alias that was invoked; Lambda tells no more."""
    IAM = "iam"
    """API Gateway's AWS_IAM authorizer."""
    JWT = "jwt"
    """API Gateway's JWT authorizer, a Cognito access token."""
    NONE = "none"
    """Nothing."""


@dataclass(frozen=True, slots=True)
class UserPool:
    """Where people sign in, and the client that they do it with."""

    issuer: str
    """`https://cognito-idp.REGION.amazonaws.com/POOL`."""
    client_id: str

    def issued(self, claims: Mapping[str, object]) -> bool:
        """Whether these are claims of an access token of this pool for this client."""
        stated = (claims.get("token_use"), claims.get("iss"), claims.get("client_id"))
        return stated == ("access", self.issuer, self.client_id)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller under all names that it has proven; a person in several groups has several."""

    names: tuple[str, ...]
    authentication: Authentication


UNKNOWN = Caller((), Authentication.NONE)


def direct_caller(alias: str | None) -> Caller:
    """Whoever may invoke the function, or an application's own alias of it."""
    return Caller(("direct" if alias is None else f"direct:{alias}",), Authentication.DIRECT)


def iam_caller(arn: str) -> Caller:
    """`arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` becomes `arn:aws:iam::ACCOUNT:role/ROLE`.

    The session's name is dropped: its holder chooses it.
    """
    assumed = _ASSUMED_ROLE.fullmatch(arn)
    if assumed is None:
        return UNKNOWN
    partition, account, role = assumed.groups()
    return Caller((f"arn:{partition}:iam::{account}:role/{role}",), Authentication.IAM)


def jwt_caller(claims: Mapping[str, object], pool: UserPool | None) -> Caller:
    """The Cognito groups of an access token of this pool, as API Gateway writes them: `[support privacy]`.

    An identity token, one of another pool or client, and one without groups name nobody. Without a pool no token does.
    """
    groups = claims.get("cognito:groups")
    if pool is None or not pool.issued(claims) or not isinstance(groups, str):
        return UNKNOWN
    listed = _COGNITO_GROUPS.fullmatch(groups)
    if listed is None:
        return UNKNOWN
    groups_of_caller = listed[1].split(" ")
    if not all(map(_can_be_a_group, groups_of_caller)):
        return UNKNOWN
    return Caller(tuple(dict.fromkeys(f"group:{name}" for name in groups_of_caller)), Authentication.JWT)


def _can_be_a_group(name: str) -> bool:
    """Cognito takes letters, marks, symbols, numbers and punctuation (CreateGroup, GroupName)."""
    return bool(name) and all(unicodedata.category(character)[0] in "LMSNP" for character in name)
