"""Which failures of an invocation are worth asking again."""

import io
import json
import traceback
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from phone_vault.adapters.invocations import CONFIG, CannotInvoke, Failed, LambdaInvocations, Unanswered
from phone_vault.local import LocalCloud

SECRET = "+447400123456"  # of a request, which no message may hold


class FakeLambda:
    """Answers, or raises, as it is told."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def invoke(self, **_parameters: Any) -> Any:
        """As told."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Invoke")


def answered(content: Any, **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(content).encode()), **more}


def invoke(outcome: Any) -> Any:
    return LambdaInvocations(FakeLambda(outcome), "phone-vault-Protect", None).invoke({"number": SECRET})


def test_the_answer_is_the_functions() -> None:
    assert invoke(answered({"token": "x"})) == {"token": "x"}


@pytest.mark.parametrize(("alias", "principal"), [(None, "direct"), ("importer", "direct:importer")])
def test_an_alias_is_who_is_calling(alias: str | None, principal: str) -> None:
    purposes = {"delivery": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}}}
    allowed = {"match": principal, "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]}
    request = {"subject_id": "c-1", "number": SECRET, "purposes": {"delivery": {}}}
    with LocalCloud(policy={"purposes": purposes, "principals": [allowed]}) as cloud:
        for each in (None, "importer"):
            cloud.invoke("Protect", {}, alias=each)  # which makes the alias
        functions = cloud.client("lambda", config=CONFIG)
        answers = {
            each: LambdaInvocations(functions, "phone-vault-Protect", each).invoke(request)
            for each in (None, "importer")
        }
    assert {each for each, answer in answers.items() if "token" in answer} == {alias}


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


def test_a_fault_of_the_function_is_not() -> None:
    with pytest.raises(Failed, match="a row is not what was written"):
        invoke(answered({"errorMessage": "a row is not what was written"}, FunctionError="Unhandled"))


def test_an_answer_that_is_no_json_is_not() -> None:
    with pytest.raises(CannotInvoke, match="no JSON"):
        invoke({"Payload": io.BytesIO(b"<html>")})


@pytest.mark.parametrize("failure", [client_error("ServiceException", 500), client_error("AccessDenied", 403)])
def test_no_failure_tells_of_the_request(failure: Exception) -> None:
    with pytest.raises((Unanswered, CannotInvoke)) as told:
        invoke(failure)
    assert SECRET not in "".join(traceback.format_exception(told.value))
