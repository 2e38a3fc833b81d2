"""Functions of a deployed stack, invoked as Lambda's clients do."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

CONFIG = Config(
    connect_timeout=5,
    # Longer than the functions' own timeout, else the same numbers would be on their way twice.
    read_timeout=60,
    # Whoever invokes a batch decides how often and after which pause: one place, not two that multiply.
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=64,
)

_SERVER_FAULT = 500
_ASK_AGAIN = frozenset(
    {
        "EC2ThrottledException",
        "ENILimitReachedException",
        "EFSMountTimeoutException",
        "ResourceConflictException",  # the function is being updated
        "ResourceNotReadyException",
        "SnapStartNotReadyException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_TIMED_OUT = "Task timed out"


class Unanswered(Exception):
    """Throttled, or a fault on the way or of AWS: the same may be asked again."""


class CannotInvoke(Exception):
    """Lambda does not let the function be invoked; asking again would not help."""


class Failed(CannotInvoke):
    """It was invoked, and there is no answer that could be read: whether it has done anything is not known."""


class LambdaInvocations:
    """One function, by a direct invocation."""

    def __init__(self, functions: Any, name: str, alias: str | None) -> None:
        self._functions = functions
        self._name = name
        self._qualifier = {"Qualifier": alias} if alias else {}

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """The function's answer; raises `Unanswered` and `CannotInvoke`, never with anything of the payload."""
        try:
            response = self._functions.invoke(
                FunctionName=self._name, Payload=json.dumps(payload).encode(), **self._qualifier
            )
            answer = json.loads(response["Payload"].read())
        except ClientError as error:
            raise _sorted(error) from None
        except (HTTPClientError, NoConnection) as error:
            raise Unanswered(f"no answer from Lambda ({type(error).__name__})") from None
        except BotoCoreError as error:
            raise CannotInvoke(f"{self._name} cannot be invoked: {error}") from None
        except ValueError:  # a proxy's page, for one
            raise Failed(f"what answers for {self._name} is not Lambda: it is no JSON") from None
        if "FunctionError" not in response:
            return answer
        fault = str(answer.get("errorMessage", "")) if isinstance(answer, Mapping) else ""
        if _TIMED_OUT in fault:
            raise Unanswered(f"{self._name} timed out")
        raise Failed(f"the function {self._name} failed: {fault}")


def _sorted(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _ASK_AGAIN or status >= _SERVER_FAULT:
        return Unanswered(code)
    return CannotInvoke(str(error))
