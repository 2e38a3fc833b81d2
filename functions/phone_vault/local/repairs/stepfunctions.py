"""Step Functions: state machines of CloudFormation run, and what they wait for is the embedded clock."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC
from threading import RLock
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.config import Config
from moto.stepfunctions import models, responses
from moto.stepfunctions.models import StateMachine

from phone_vault.local.clients import unrestricted_client
from phone_vault.local.clock import EmbeddedClock
from phone_vault.local.place import ACCOUNT, REGION

_make_state_machine = StateMachine.create_from_cloudformation_json
_stock_attribute = StateMachine.get_cfn_attribute
_stock_has_attribute = StateMachine.has_cfn_attr
_backend = responses.get_backend


@contextmanager
def repairs(clock: EmbeddedClock) -> Iterator[None]:
    """The interpreter is repaired when it is first needed: importing it takes longer than everything else.

    Until then the state machines of CloudFormation are in the backend that does not run them.
    """
    with ExitStack() as patches:
        interpreter = _Interpreter(clock, patches)

        def backend(account: str, region: str) -> Any:
            interpreter.repair()
            return _backend(account, region)

        def create(
            name: str,
            resource: dict[str, Any],
            account_id: str,
            region_name: str,
            **kwargs: Any,
        ) -> StateMachine:
            return _make_state_machine(name, _with_substitutions(resource), account_id, region_name, **kwargs)

        patches.enter_context(patch.object(responses, "get_backend", backend))
        patches.enter_context(patch.object(StateMachine, "has_cfn_attr", classmethod(_has_attribute)))
        patches.enter_context(patch.object(StateMachine, "get_cfn_attribute", _attribute))
        patches.enter_context(patch.object(StateMachine, "create_from_cloudformation_json", staticmethod(create)))
        yield


def _has_attribute(_: type[StateMachine], attribute: str) -> bool:
    return attribute == "Arn" or _stock_has_attribute(attribute)


def _attribute(machine: StateMachine, attribute: str) -> Any:
    """`Fn::GetAtt: [Machine, Arn]`, which stock moto does not know."""
    return machine.arn if attribute == "Arn" else _stock_attribute(machine, attribute)


def _with_substitutions(resource: dict[str, Any]) -> dict[str, Any]:
    """`${Name}` in a definition, which moto leaves as it stands."""
    properties = dict(resource["Properties"])
    definition = properties.get("DefinitionString") or json.dumps(properties.pop("Definition"))
    for name, value in properties.pop("DefinitionSubstitutions", {}).items():
        definition = definition.replace(f"${{{name}}}", str(value))
    return {**resource, "Properties": {**properties, "DefinitionString": definition}}


def _move(stock: Any, running: Any) -> None:
    """A definition that cannot be read is refused now; AWS refuses it when it is deployed."""
    running.tagger = stock.tagger
    for machine in stock.state_machines:
        running._validate_definition(machine.definition)
        machine.backend = running
    running.state_machines.extend(stock.state_machines)


class _Interpreter:
    def __init__(self, clock: EmbeddedClock, patches: ExitStack) -> None:
        self._clock = clock
        self._patches = patches
        self._repaired = False
        self._repairing = RLock()
        self._clients: dict[str, Any] = {}

    def repair(self) -> None:
        """Once, for as long as the embedded AWS is open; who comes meanwhile waits."""
        with self._repairing:
            if not self._repaired:
                # First: what is done below comes back here.
                self._repaired = True
                self._repair()

    def _repair(self) -> None:
        from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
        from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
        from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk
        from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
        from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        from phone_vault.local.repairs import execution_life, nested_states, state_errors

        _move(models.stepfunctions_backends[ACCOUNT][REGION], stepfunctions_parser_backends[ACCOUNT][REGION])
        for owner, name, repair in (
            # Where CloudFormation puts those to come.
            (models, "stepfunctions_backends", stepfunctions_parser_backends),
            (lambda_eval_utils, "boto_client_for", self._client),
            (state_task_service_aws_sdk, "boto_client_for", self._client),
            (WaitFunction, "_wait_interval", self._wait),
            (Timestamp, "_get_wait_seconds", self._until_timestamp(Timestamp)),
            (retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: self._clock.advance(seconds=seconds))),
        ):
            self._patches.enter_context(patch.object(owner, name, repair))
        self._patches.enter_context(execution_life.repairs(self._clock.now))
        self._patches.enter_context(nested_states.repairs())
        self._patches.enter_context(state_errors.repairs())

    def _client(self, service: str, region: str, state_credentials: Any = None) -> Any:
        """Made once; moto makes one for each task, by the SDK's default session and the developer's own profile."""
        del region, state_credentials
        if service not in self._clients:
            # A task's parameters come from its definition in other cases than the SDK validates.
            self._clients[service] = unrestricted_client(service, config=Config(parameter_validation=False))
        return self._clients[service]

    def _wait(self, env: Any, wait_seconds: float) -> None:
        del env
        self._clock.advance(seconds=max(0, wait_seconds))

    def _until_timestamp(self, timestamp_class: Any) -> Callable[[Any, Any], float]:
        def seconds_until(wait: Any, env: Any) -> float:
            wait.string.eval(env=env)
            text = env.stack.pop()
            moment = timestamp_class._from_timestamp_string(text)
            if moment is None:
                from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
                    FailureEventException,
                )

                raise FailureEventException(wait._create_failure_event(env, text))
            return float((moment.replace(tzinfo=UTC) - self._clock.now()).total_seconds())

        return seconds_until
