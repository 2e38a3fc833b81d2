"""The context object that Lambda hands a handler beside the event."""

import time
from dataclasses import dataclass

from moto.awslambda.models import LambdaFunction

from phone_vault.local.place import arn


@dataclass(frozen=True, slots=True)
class CognitoIdentity:
    """None of our callers comes with one."""

    cognito_identity_id: None = None
    cognito_identity_pool_id: None = None


@dataclass(frozen=True, slots=True)
class Context:
    """By the names of Lambda's Python runtime."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: str
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline: float
    identity: CognitoIdentity = CognitoIdentity()
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Counted by the real clock, as a timeout would be."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def context_of(function: LambdaFunction, qualifier: str | None, request_id: str, log_stream_name: str) -> Context:
    """Of one invocation; its ARN ends in the alias or version that was asked for, if any."""
    unqualified = arn("lambda", f"function:{function.function_name}")
    return Context(
        function_name=function.function_name,
        function_version=str(function.version),
        invoked_function_arn=f"{unqualified}:{qualifier}" if qualifier else unqualified,
        memory_limit_in_mb=str(function.memory_size),
        aws_request_id=request_id,
        log_group_name=f"/aws/lambda/{function.function_name}",
        log_stream_name=log_stream_name,
        deadline=time.monotonic() + int(function.timeout),
    )
