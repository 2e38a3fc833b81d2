"""Lambda: an invocation by API reaches the same dispatcher as everything else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs

from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.exceptions import JsonRESTError

from phone_vault.local.errors import FunctionError
from phone_vault.local.functions import Functions

_invoke = LambdaResponse.invoke


@contextmanager
def repairs(functions: Functions) -> Iterator[None]:
    """Stock moto echoes the payload, or wants Docker."""

    def invoke(
        backend: LambdaSimpleBackend,
        function_name: str,
        qualifier: str | None,
        body: str | bytes | None,
        headers: Any,
        response_headers: dict[str, str],
    ) -> bytes:
        name, qualifier = _named(function_name, qualifier)
        payload = _payload(body)
        backend.get_function(name, qualifier)  # raises ResourceNotFoundException
        if headers.get("X-Amz-Invocation-Type") == "DryRun":
            return b""
        try:
            return functions.invoke(name, qualifier, payload).encode()
        except FunctionError as error:
            response_headers["x-amz-function-error"] = "Unhandled"
            return json.dumps(
                {
                    "errorMessage": error.message,
                    "errorType": error.error_type,
                    "stackTrace": error.stack_trace,
                }
            ).encode()

    with (
        patch.object(LambdaSimpleBackend, "invoke", invoke),
        patch.object(LambdaResponse, "invoke", _invoke_with_qualifier),
    ):
        yield


def _invoke_with_qualifier(response: LambdaResponse) -> Any:
    """By the name that the SDK gives it in the query; moto looks for it in lower case, and never finds it."""
    if qualifier := parse_qs(response.parsed_url.query).get("Qualifier"):
        response.querystring["qualifier"] = qualifier
    return _invoke(response)


def _named(function: str, qualifier: str | None) -> tuple[str, str | None]:
    """A name, `name:alias`, a partial or a full ARN."""
    name, _, in_name = function.rpartition(":function:")[2].partition(":")
    return name, in_name or qualifier


def _payload(body: str | bytes | None) -> str:
    text = body.decode() if isinstance(body, bytes) else body
    if not text:
        return "{}"
    try:
        json.loads(text)
    except ValueError as error:
        raise JsonRESTError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error
    return text
