"""What leaves a function when something fails."""

import json
import traceback
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from phone_vault.domain.errors import KeyUnavailable, ServiceFault, TamperedStore
from phone_vault.handlers.entry_point import WATCHED, EntryPoint
from phone_vault.services.lookup import Lookup
from phone_vault.services.tally import Measure

DIGITS = "7400123456"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:phone-vault-Lookup"
ENVIRON = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "KEK_ARN": "kek",
    "STORAGE_KEY_ARN": "storage",
    "KEY_CACHE_CAPACITY": "10",
    "POWERTOOLS_METRICS_NAMESPACE": "PhoneVault",
    **{
        f"{name}_TABLE": name
        for name in ("KEY_RING", "RECORD_KEYS", "LOOKUP_INDEX", "SUBJECTS", "NUMBERS", "AUDIT_TRAIL", "OPERATIONS")
    },
}


@dataclass(frozen=True)
class Context:
    """What Lambda tells a function of its invocation."""

    invoked_function_arn: str = FUNCTION
    aws_request_id: str = "request-1"


class Unforeseen(Lookup):
    """Fails as no code should, with the request in the error's text."""

    def __call__(self, _caller: object, payload: object) -> NoReturn:
        """Fail."""
        raise KeyError(str(payload)) from ValueError(payload)


class Tampered(Lookup):
    """Meets a row that is not what was written."""

    def __call__(self, _caller: object, _payload: object) -> NoReturn:
        """Fail."""
        raise TamperedStore("a row does not read")


class Refusing(Lookup):
    """Lets a refusal out, which the services never do."""

    def __call__(self, _caller: object, payload: object) -> NoReturn:
        """Fail."""
        raise KeyUnavailable(str(payload))


class Counting(Lookup):
    """Counts what is watched over all functions, and what is not."""

    def __call__(self, _caller: object, _payload: object) -> dict[str, Any]:
        """Count."""
        for measure in (*WATCHED, Measure.LOOKUPS):
            self._tally.count(measure)
        return {}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A function's, with a service of its own: Powertools keeps one logger for each."""
    for name, value in {**ENVIRON, "POWERTOOLS_SERVICE_NAME": request.node.name}.items():
        monkeypatch.setenv(name, value)


def failure_of(operation: type[Lookup], event: object, context: Context | None = None) -> BaseException:
    """What Lambda gets."""
    handler = EntryPoint(operation)
    with pytest.raises(ServiceFault) as failure:
        handler(event, cast(LambdaContext, context or Context()))
    return failure.value


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize("operation", [Unforeseen, Refusing])
def test_an_unforeseen_error_leaves_as_a_fault_without_its_text(operation: type[Lookup]) -> None:
    assert DIGITS not in str(failure_of(operation, {"number": DIGITS}))


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize("operation", [Unforeseen, Refusing])
def test_a_printed_traceback_of_an_unforeseen_error_lacks_its_text(operation: type[Lookup]) -> None:
    failure = failure_of(operation, {"number": DIGITS})
    assert DIGITS not in "".join(traceback.format_exception(failure))


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize("operation", [Unforeseen, Refusing])
def test_the_log_of_an_unforeseen_error_lacks_its_text(
    operation: type[Lookup], capsys: pytest.CaptureFixture[str]
) -> None:
    failure_of(operation, {"number": DIGITS})
    printed = capsys.readouterr()
    assert DIGITS not in printed.out + printed.err


@pytest.mark.usefixtures("environ")
def test_the_log_of_an_unforeseen_error_tells_its_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    failure_of(Unforeseen, {"number": DIGITS})
    printed = capsys.readouterr().out
    assert '"fault":"KeyError"' in printed
    assert '"place":"__call__:' in printed


@pytest.mark.usefixtures("environ")
def test_the_log_of_a_fault_tells_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    failure_of(Tampered, {"number": DIGITS})
    assert '"reason":"a row does not read"' in capsys.readouterr().out


@pytest.mark.usefixtures("environ")
def test_the_log_carries_the_request_s_id(capsys: pytest.CaptureFixture[str]) -> None:
    failure_of(Tampered, {})
    assert '"correlation_id":"request-1"' in capsys.readouterr().out


@pytest.mark.usefixtures("environ")
def test_the_log_of_an_http_request_carries_api_gateway_s_id(capsys: pytest.CaptureFixture[str]) -> None:
    event: dict[str, Any] = {"requestContext": {"requestId": "gateway-1"}, "body": "{}"}
    failure_of(Tampered, event, Context(invoked_function_arn=f"{FUNCTION}:http"))
    assert '"correlation_id":"gateway-1"' in capsys.readouterr().out


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("measure", "dimensions"), [*((each, {"service"}) for each in WATCHED), (Measure.LOOKUPS, {"service", "function"})]
)
def test_what_an_alarm_watches_is_counted_without_the_functions_name(
    capsys: pytest.CaptureFixture[str], measure: Measure, dimensions: set[str]
) -> None:
    EntryPoint(Counting)({}, cast(LambdaContext, Context()))
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metric,) = [line["_aws"]["CloudWatchMetrics"][0] for line in printed if measure in line]
    assert set(metric["Dimensions"][0]) == dimensions


@pytest.mark.usefixtures("environ")
def test_a_fault_keeps_its_type() -> None:
    assert isinstance(failure_of(Tampered, {}), TamperedStore)
