"""What an invocation says of its caller: by which alias it came, and, over HTTP, whom API Gateway authenticated.

Anybody who may invoke a function can send a hand-made `requestContext`. It is believed only under the alias `http`,
which API Gateway alone may invoke, and which Lambda itself names in `context.invoked_function_arn`.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phone_vault.domain.callers import HTTP_ALIAS, Caller, UserPool, direct_caller, iam_caller, jwt_caller

_ARN_PARTS_WITH_QUALIFIER = 8


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call: who makes it, what is asked, and in which form the answer goes back."""

    caller: Caller
    payload: object
    over_http: bool
    request_id: str | None = None
    """API Gateway's id of the request, which the caller sees as a header."""


def invocation_of(event: object, invoked_function_arn: str, pool: UserPool | None) -> Invocation:
    """Read an event by the alias it came through; of people, those of this pool are believed."""
    alias = _alias(invoked_function_arn)
    if alias == HTTP_ALIAS:
        http = event if isinstance(event, Mapping) else {}
        request_id = _table(http, "requestContext").get("requestId")
        return Invocation(
            _http_caller(http, pool),
            _http_payload(http),
            over_http=True,
            request_id=request_id if isinstance(request_id, str) else None,
        )
    return Invocation(direct_caller(alias), event, over_http=False)


def http_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer in API Gateway's form; a problem is the bare object with its status (RFC 9457)."""
    problem = answer.get("problem")
    return {
        "statusCode": problem["status"] if problem else 200,
        "headers": {"content-type": "application/problem+json" if problem else "application/json"},
        "body": json.dumps(problem or answer),
    }


def _alias(invoked_function_arn: str) -> str | None:
    """None for the function itself, `$LATEST` and published versions: those name no application."""
    parts = invoked_function_arn.split(":")
    qualifier = parts[-1] if len(parts) == _ARN_PARTS_WITH_QUALIFIER else ""
    return None if qualifier in ("", "$LATEST") or qualifier.isdigit() else qualifier


def _http_caller(event: Mapping[str, Any], pool: UserPool | None) -> Caller:
    authorizer = _table(_table(event, "requestContext"), "authorizer")
    arn = _table(authorizer, "iam").get("userArn")
    if isinstance(arn, str):
        return iam_caller(arn)
    return jwt_caller(_table(_table(authorizer, "jwt"), "claims"), pool)


def _http_payload(event: Mapping[str, Any]) -> object:
    """The body, with what the path and the header `x-tenant-id` add; None, which no function takes, for no JSON."""
    body = event.get("body") or ""
    try:
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") is True else body
        payload = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(payload, dict):
        return payload
    token = _table(event, "pathParameters").get("token")
    tenant_id = _table(event, "headers").get("x-tenant-id")
    stated = {"token": token, "tenant_id": tenant_id}
    return payload | {field: value for field, value in stated.items() if value is not None}


def _table(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    return value if isinstance(value, Mapping) else {}
