"""How a caller reaches a function: the event and the alias that Lambda, or API Gateway in front of it, would use."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from phone_vault.domain.callers import UserPool
from phone_vault.local.place import ACCOUNT, REGION

_GROUP = "group:"
_SESSION = "embedded"
_API = "embedded"
_ACCESS_TOKEN_SECONDS = 900


def http_event(payload: Any, principal: str, at: datetime, pool: UserPool) -> dict[str, Any]:
    """An API Gateway HTTP API event, payload format 2.0, of a role's ARN or `group:NAME` of the pool."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": f"{_API}.execute-api.{REGION}.amazonaws.com"},
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": _API,
            "authorizer": _authorizer(principal, at, pool),
            "domainName": f"{_API}.execute-api.{REGION}.amazonaws.com",
            "http": {
                "method": "POST",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "embedded",
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(at.timestamp() * 1000),
        },
        "body": json.dumps(payload),
        "isBase64Encoded": False,
    }


def _authorizer(principal: str, at: datetime, pool: UserPool) -> dict[str, Any]:
    if principal.startswith(_GROUP):
        return {"jwt": {"claims": _access_token(principal.removeprefix(_GROUP), at, pool), "scopes": None}}
    role = principal.rsplit("/", 1)[-1]
    if not principal.startswith("arn:") or ":role/" not in principal:
        raise ValueError(f"a principal is the ARN of a role or group:NAME, not {principal!r}")
    account = principal.split(":")[4]
    return {
        "iam": {
            "accessKey": "ASIAEMBEDDED00000000",
            "accountId": account,
            "callerId": f"AROAEMBEDDED000000000:{_SESSION}",
            "cognitoIdentity": None,
            "principalOrgId": None,
            # Without the role's path, as API Gateway has it.
            "userArn": f"arn:aws:sts::{account}:assumed-role/{role}/{_SESSION}",
            "userId": f"AROAEMBEDDED000000000:{_SESSION}",
        }
    }


def _access_token(group: str, at: datetime, pool: UserPool) -> dict[str, str]:
    """Claims of a Cognito access token; API Gateway hands every claim on as a string, a list in brackets."""
    issued = int(at.timestamp())
    return {
        "auth_time": str(issued),
        "client_id": pool.client_id,
        "cognito:groups": f"[{group}]",
        "exp": str(issued + _ACCESS_TOKEN_SECONDS),
        "iat": str(issued),
        "iss": pool.issuer,
        "jti": "embedded",
        "scope": "aws.cognito.signin.user.admin",
        "sub": f"embedded-{group}",
        "token_use": "access",
        "username": f"embedded-{group}",
    }


def answer_over_http(response: Any) -> Any:
    """The body, uniform with what a direct invocation answers: a problem stands under `problem`."""
    if not isinstance(response, dict) or "statusCode" not in response:
        return response  # which API Gateway would take for the body
    body = json.loads(response.get("body") or "null")
    headers = {name.lower(): value for name, value in (response.get("headers") or {}).items()}
    if headers.get("content-type", "").startswith("application/problem+json"):
        return {"problem": body}
    return body
