"""Which failures of an invocation are worth asking again."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from phone_vault.adapters.invocations import CannotInvoke, LambdaInvocations, Unanswered

SECRET = "+447400123456"  # of a request, which no message may hold


class FakeLambda:
    """Answers, or raises, as it is told."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome
        self.asked: dict[str, Any] = {}

    def invoke(self, **parameters: Any) -> Any:
        """Notes what it was asked."""
        self.asked = parameters
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Invoke")


def answered(content: Any, **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(content).encode()), **more}


def invoke(outcome: Any, alias: str | None = None) -> tuple[Any, FakeLambda]:
    fake = FakeLambda(outcome)
    return LambdaInvocations(fake, "phone-vault-Protect", alias).invoke({"number": SECRET}), fake


def test_the_answer_is_the_functions() -> None:
    answer, fake = invoke(answered({"token": "x"}))
    assert answer == {"token": "x"}
    assert "Qualifier" not in fake.asked


def test_an_alias_is_the_qualifier() -> None:
    assert invoke(answered({}), alias="importer")[1].asked["Qualifier"] == "importer"


@pytest.mark.parametrize(
    "failure",
    [
        client_error("TooManyRequestsException", 429),
        client_error("ThrottlingException", 400),
        client_error("ServiceException", 500),
        client_error("EC2ThrottledException", 502),
        client_error("ResourceConflictException", 409),
        EndpointConnectionError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
    ],
)
def test_what_passes_is_worth_asking_again(failure: Exception) -> None:
    with pytest.raises(Unanswered):
        invoke(failure)


@pytest.mark.parametrize(
    "failure",
    [
        client_error("ResourceNotFoundException", 404),
        client_error("AccessDeniedException", 403),
        client_error("RequestTooLargeException", 413),
        NoCredentialsError(),
    ],
)
def test_what_stays_is_not(failure: Exception) -> None:
    with pytest.raises(CannotInvoke):
        invoke(failure)


def test_a_timeout_of_the_function_is_worth_asking_again() -> None:
    error = {"errorMessage": "2026-01-01T00:00:00Z 1 Task timed out after 20.00 seconds"}
    with pytest.raises(Unanswered):
        invoke(answered(error, FunctionError="Unhandled"))


def test_a_fault_of_the_function_is_not_and_keeps_the_request_to_itself() -> None:
    with pytest.raises(CannotInvoke, match="a row is not what was written") as refused:
        invoke(answered({"errorMessage": "a row is not what was written"}, FunctionError="Unhandled"))
    assert SECRET not in str(refused.value)
