"""`LocalCloud`: the real template on an embedded AWS, in this process."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

import tomli_w
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda_simple.models import lambda_simple_backends
from moto.cloudformation.models import Stack

from phone_vault.adapters.clock import SystemClock
from phone_vault.domain import policy_file
from phone_vault.domain.callers import HTTP_ALIAS, UserPool
from phone_vault.domain.policy import VaultPolicy
from phone_vault.local import executions, sources
from phone_vault.local.calls import AwsCall, CallRecorder
from phone_vault.local.clients import unrestricted_client
from phone_vault.local.clock import EmbeddedClock
from phone_vault.local.console import Console, LogLine
from phone_vault.local.deploy import deploy
from phone_vault.local.embedded import embedded_aws
from phone_vault.local.errors import AlreadyOpen, NotOpen, UnknownFunction
from phone_vault.local.functions import Functions
from phone_vault.local.identity import answer_over_http, http_event
from phone_vault.local.place import ACCOUNT, REGION, STACK
from phone_vault.local.repairs import dynamodb, lambda_
from phone_vault.local.repairs.concurrency import MOTO
from phone_vault.local.translate import translation
from phone_vault.settings import read_policy

_open: "LocalCloud | None" = None
_opening = Lock()


def current() -> "LocalCloud | None":
    """The one that is open in this process."""
    return _open


class LocalCloud:
    """The whole vault, embedded: a context manager, one at a time in a process, that leaves nothing behind."""

    clock: EmbeddedClock
    policy_file: Path
    """What the functions read when they are cold."""
    _functions: Functions
    _stack: Stack

    def __init__(
        self, policy: Mapping[str, Any] | str | Path | None = None, start: str = "2026-01-01T00:00:00Z"
    ) -> None:
        """`policy`: content or file of the vault policy, None for the shipped one; `PolicyFaults` when it is faulty."""
        self._policy = policy
        self._parameters = _parameters(
            policy_file.parse(policy) if isinstance(policy, Mapping) else read_policy(Path(policy or sources.policy()))
        )
        self.clock = EmbeddedClock(start, on_change=self._time_passed)
        self._console = Console()
        self._recorder = CallRecorder()
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(_the_only_one(self))
            opening.enter_context(embedded_aws(self.clock))
            opening.enter_context(patch.object(SystemClock, "now", lambda _: self.clock.now()))
            self.policy_file = self._written_policy(opening)
            self._functions = Functions(self._console, self._recorder, {"POLICY_FILE": str(self.policy_file)})
            opening.enter_context(lambda_.repairs(self._functions))
            opening.callback(lambda: executions.stop_all(self.clock.now()))
            self._stack = deploy(translation(sources.template()), self._parameters)
            self._resources = opening.pop_all()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def invoke(self, function: str, payload: Any, principal: str | None = None, alias: str | None = None) -> Any:
        """The function's answer to the payload, both by way of JSON; raises `FunctionError`.

        Without more it is a direct, unqualified invocation; with `alias` one by that alias, which is made when it is
        not there; with `principal` one over the HTTP API, by a role's ARN or `group:NAME`.
        """
        if principal is not None and alias is not None:
            raise ValueError("a principal comes over the HTTP API, which has an alias of its own")
        name = self._physical_name(function)
        if principal is not None:
            event = http_event(payload, principal, self.clock.now(), self._user_pool)
            return answer_over_http(json.loads(self._functions.invoke(name, HTTP_ALIAS, json.dumps(event))))
        if alias is not None:
            _make_alias(name, alias)
        return json.loads(self._functions.invoke(name, alias, json.dumps(payload)))

    def execute(self, state_machine: str, execution_input: Any = None) -> Any:
        """The output of a state machine's execution, run to its end; raises `ExecutionFailed`."""
        self._require_open()
        return executions.execute(state_machine, {} if execution_input is None else execution_input)

    def client(self, service: str, **settings: Any) -> Any:
        """A boto3 client on the same embedded AWS, which may do everything."""
        self._require_open()  # otherwise it would be a client of the real one
        return unrestricted_client(service, **settings)

    def restart(self) -> None:
        """All functions are cold again."""
        self._functions.restart()

    @property
    def outputs(self) -> dict[str, str]:
        """Of the parent stack."""
        return {output.key: output.value for output in self._stack.output_map.values() if output}

    @property
    def logs(self) -> list[str]:
        """Every line that functions printed, oldest first."""
        return [line.line for line in self._console.lines]

    @property
    def log_lines(self) -> list[LogLine]:
        """The same, each with the invocation that printed it."""
        return self._console.lines

    @property
    def calls(self) -> list[AwsCall]:
        """Every AWS call that functions made, oldest first."""
        return self._recorder.calls

    @property
    def _user_pool(self) -> UserPool:
        return UserPool(self.outputs["UserPoolIssuer"], self.outputs["UserPoolClientId"])

    def _time_passed(self, now: datetime) -> None:
        if _open is self:
            dynamodb.expire(now)

    def _require_open(self) -> None:
        if _open is not self:
            raise NotOpen("this LocalCloud is not open")

    def _physical_name(self, function: str) -> str:
        self._require_open()
        deployed = {each.function_name for each in lambda_simple_backends[ACCOUNT][REGION].list_functions()}
        for name in (f"{STACK}-{function}", function):
            if name in deployed:
                return name
        short = sorted(name.removeprefix(f"{STACK}-") for name in deployed)
        raise UnknownFunction(f"no function {function}; deployed are: {', '.join(short)}")

    def _written_policy(self, opening: ExitStack) -> Path:
        if not isinstance(self._policy, Mapping):
            return Path(self._policy or sources.policy()).resolve()
        path = Path(opening.enter_context(tempfile.TemporaryDirectory())) / "policy.toml"
        path.write_text(tomli_w.dumps(self._policy))
        return path


def _parameters(policy: VaultPolicy) -> dict[str, str]:
    """The template's parameters that follow from the policy."""
    keys = {key for tenant in policy.tenants.values() for key in (tenant.kms_key, *tenant.former_kms_keys) if key}
    return {"TenantKeyArns": ",".join(sorted(keys))}


@contextmanager
def _the_only_one(cloud: LocalCloud) -> Iterator[None]:
    global _open  # moto's services are global, and so is who has them
    with _opening:
        if _open is not None:
            raise AlreadyOpen("another LocalCloud is open in this process")
        _open = cloud
    try:
        yield
    finally:
        _open = None


def _make_alias(function: str, alias: str) -> None:
    """An application that invokes directly has an alias made for it; here by using it."""
    backend = lambda_simple_backends[ACCOUNT][REGION]
    with MOTO:
        try:
            backend.get_function(function, alias)
        except UnknownFunctionException:
            published = backend.get_alias(HTTP_ALIAS, function).function_version
            backend.create_alias(alias, function, published, "", "")
