"""A function of the tests' own: it does what its event says, with clients made at its cold start as ours are."""

import os
import sys
import time
from typing import Any, cast
from uuid import uuid4

import boto3

INSTANCE = uuid4().hex
STARTED_WITH = dict(os.environ)
SESSION = boto3.Session()
CLIENTS = {service: SESSION.client(service) for service in ("dynamodb", "kms", "s3", "sts")}


def handler(event: Any, context: Any) -> Any:
    """One of: call, call_in, print, sleep, fail, exit, unserialisable, environment; else who answers, and what."""
    match event:
        case {"call": [service, operation, arguments]}:
            answer = getattr(CLIENTS[service], operation)(**arguments)
            return sorted(answer.keys() - {"ResponseMetadata"})
        case {"call_in": [region, service, operation, arguments]}:
            client: Any = SESSION.client(service, region_name=region)
            return sorted(getattr(client, operation)(**arguments).keys() - {"ResponseMetadata"})
        case {"print": lines, **others}:
            for line in lines:
                sys.stdout.write(f"{line}\n")
                time.sleep(cast("float", others.get("pause", 0)))
            return None
        case {"sleep": seconds}:
            time.sleep(seconds)
            return INSTANCE
        case {"fail": message}:
            raise PermissionError(message)
        case {"exit": status}:
            sys.exit(status)
        case {"unserialisable": _}:
            return {"set": {1, 2}}
        case {"environment": name}:
            return STARTED_WITH.get(name)
    return {
        "instance": INSTANCE,
        "event": event,
        "arn": context.invoked_function_arn,
        "version": context.function_version,
        "name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "request_id": context.aws_request_id,
        "remaining": context.get_remaining_time_in_millis(),
    }
