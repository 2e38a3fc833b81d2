"""Runs the deployed functions in this process as Lambda would: instances of their own, reused while warm."""

import json
import sys
import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from moto.awslambda.models import LambdaFunction
from moto.awslambda_simple.models import lambda_simple_backends

from phone_vault.local.calls import CallRecorder
from phone_vault.local.console import Console
from phone_vault.local.context import context_of
from phone_vault.local.errors import FunctionError
from phone_vault.local.instance import Instance, short_name
from phone_vault.local.place import ACCOUNT, REGION

_RUNTIME = str(Path(__file__).parent)


class Functions:
    """The functions in moto's Lambda, with a pool of warm instances for each version."""

    def __init__(self, console: Console, recorder: CallRecorder, environment: Mapping[str, str]) -> None:
        """`environment` is what every function has beside its template's variables."""
        self._console = console
        self._recorder = recorder
        self._environment = environment
        self._warm: defaultdict[tuple[str, str], list[Instance]] = defaultdict(list)

    def restart(self) -> None:
        """Every instance is discarded; those that are answering right now come back to a pool that nobody asks."""
        self._warm.clear()

    def invoke(self, name: str, qualifier: str | None, payload: str) -> str:
        """Answers the JSON text of the result; `FunctionError` where Lambda would report one."""
        function = lambda_simple_backends[ACCOUNT][REGION].get_function(name, qualifier)
        request_id = str(uuid4())
        with self._console.recording(short_name(function), request_id):
            try:
                return self._run(function, qualifier, json.loads(payload), request_id)
            except FunctionError as error:
                _log(error)
                raise

    def _run(self, function: LambdaFunction, qualifier: str | None, event: Any, request_id: str) -> str:
        try:
            with self._instance(function) as instance:
                context = context_of(function, qualifier, request_id, instance.log_stream_name)
                result = instance.handle(event, context)
        except FunctionError:
            raise
        except SystemExit as error:
            raise FunctionError("Runtime.ExitError", f"Runtime exited with error: exit status {error.code}") from error
        except Exception as error:
            raise _reported(error) from error
        try:
            return json.dumps(result, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FunctionError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error

    @contextmanager
    def _instance(self, function: LambdaFunction) -> Iterator[Instance]:
        """A warm instance that is idle, else a new one: an instance answers one invocation at a time."""
        pool = self._warm[(function.function_name, str(function.version))]
        try:
            instance = pool.pop()
        except IndexError:
            instance = Instance(function, self._environment, self._recorder)
        try:
            yield instance
        except Exception:
            pool.append(instance)  # a handler's exception is no end of its process; what is not an Exception is
            raise
        pool.append(instance)


def _reported(error: Exception) -> FunctionError:
    """Like Lambda without the exceptions that led to this one, and without the runtime's own frames."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(_RUNTIME)]
    return FunctionError(type(error).__name__, str(error), tuple(traceback.format_list(frames)))


def _log(error: FunctionError) -> None:
    """As Lambda's Python runtime does, among the function's own lines."""
    sys.stdout.write(f"[ERROR] {error}\n")
    if error.stack_trace:
        sys.stdout.writelines(["Traceback (most recent call last):\n", *error.stack_trace])
