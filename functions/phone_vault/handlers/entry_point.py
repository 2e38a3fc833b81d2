"""The Lambda entry point that all functions share: identity, one log line, metrics, and nothing that leaks."""

import os
import traceback
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from phone_vault.bootstrap import Application, build
from phone_vault.domain.errors import Refusal, ServiceFault
from phone_vault.handlers.invocation import Invocation, http_answer, invocation_of
from phone_vault.services.tally import Measure

WATCHED = (Measure.BREAK_GLASS_USES, Measure.CIRCUIT_BREAKER_TRIPS, Measure.ROTATION_FAILURES)
"""Counted without the function's name: one alarm watches all functions, later ones too."""
Assemble = Callable[[type[Any], Mapping[str, str]], Application]
"""Makes a function of a verb and its environment."""


class EntryPoint:
    """A Lambda handler for one verb, built once per instance from the environment."""

    raised: ClassVar[tuple[type[Exception], ...]] = (ServiceFault,)
    """What may leave the function; no text of these holds anything of a request or a row."""

    def __init__(self, verb: type[Any], assemble: Assemble = build) -> None:
        self._logger = Logger()
        self._metrics = EphemeralMetrics()
        self._application = assemble(verb, os.environ)
        self._function = verb.name

    def __call__(self, event: object, context: LambdaContext) -> dict[str, Any]:
        """Answer one invocation. Raises the vault's own errors alone, whose text holds nothing of the request."""
        invocation = invocation_of(event, context.invoked_function_arn, self._application.user_pool)
        self._logger.thread_safe_clear_keys()
        self._logger.thread_safe_append_keys(
            correlation_id=invocation.request_id or context.aws_request_id,
            function_request_id=context.aws_request_id,
            function=self._function,
        )
        try:
            answer = self._answer(invocation)
        finally:
            self._emit_metrics()
        return http_answer(answer) if invocation.over_http else answer

    def _answer(self, invocation: Invocation) -> dict[str, Any]:
        try:
            answer = self._application.operation(invocation.caller, invocation.payload)
        except self.raised as fault:
            self._logger.error("fault", fault=type(fault).__name__, reason=str(fault))  # noqa: TRY400  a traceback may hold the request
            raise
        except Exception as error:
            # A traceback's last line is the error's text, which may hold the request; its type and place do not.
            self._logger.error("fault", fault=type(error).__name__, place=_place(error))  # noqa: TRY400  the same
            raise ServiceFault("the function failed; its log says where") from None
        self._logger.info("answered", authentication=invocation.caller.authentication)
        return answer

    def _emit_metrics(self) -> None:
        counts, refusals = self._application.tally.take()
        watched = {name: counts.pop(name) for name in WATCHED if counts[name]}
        if watched:
            for name, count in watched.items():
                self._metrics.add_metric(name, MetricUnit.Count, count)
            self._metrics.flush_metrics()
        self._emit(counts)
        for problem, count in refusals.items():
            self._metrics.add_dimension("problem", problem)
            self._emit({"Refusals": count})

    def _emit(self, counts: Mapping[str, int]) -> None:
        if not counts:
            return
        self._metrics.add_dimension("function", self._function)
        for name, count in counts.items():
            self._metrics.add_metric(name, MetricUnit.Count, count)
        self._metrics.flush_metrics()


class WorkerEntryPoint(EntryPoint):
    """Of a function that a state machine calls, which knows by its name what refuses it."""

    raised = (ServiceFault, Refusal)


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.name}:{frame.lineno}"
