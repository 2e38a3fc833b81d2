"""A function behind the HTTP API: it answers its event's body, as a problem when the body says so."""

import json
from typing import Any


def handler(event: Any, _context: Any) -> Any:
    """In the form that API Gateway wants of a proxy integration."""
    body = json.loads(event["body"])
    media_type = "application/problem+json" if "status" in body else "application/json"
    answer = {"asked": body, "by": event["requestContext"]["authorizer"]}
    return {
        "statusCode": body.get("status", 200),
        "headers": {"Content-Type": media_type},
        "body": json.dumps(body if "status" in body else answer),
    }
