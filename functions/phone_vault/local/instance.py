"""One execution environment of a function: its handler's module, environment variables and credentials of its own."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any
from uuid import uuid4

from moto.awslambda.models import LambdaFunction
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends

from phone_vault.local.calls import CallRecorder
from phone_vault.local.context import Context
from phone_vault.local.environment import aws_settings
from phone_vault.local.errors import FunctionError
from phone_vault.local.place import ACCOUNT, PARTITION, REGION, STACK

_DAY_SECONDS = 86_400


class Instance:
    """Starting it imports the handler's module, by which the function makes its clients; then the environment goes."""

    def __init__(self, function: LambdaFunction, more: Mapping[str, str], recorder: CallRecorder) -> None:
        """`more` are variables beside those of the template; the calls of its clients go to the recorder."""
        self.log_stream_name = f"embedded/[{function.version}]{uuid4().hex}"
        module_name, _, attribute = str(function.handler).rpartition(".")
        environment = {**_environment(function), "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream_name, **more}
        with aws_settings(environment), recorder.hooked(short_name(function)):
            try:
                self._handler: Callable[[Any, Context], Any] = getattr(_fresh_module(module_name), attribute)
            except ImportError as error:
                message = f"Unable to import module '{module_name}': {error}"
                raise FunctionError("Runtime.ImportModuleError", message) from error

    def handle(self, event: Any, context: Context) -> Any:
        """Whatever the handler answers or raises."""
        return self._handler(event, context)


def short_name(function: LambdaFunction) -> str:
    """Without the stack's name in front."""
    return str(function.function_name).removeprefix(f"{STACK}-")


def _environment(function: LambdaFunction) -> dict[str, str]:
    credentials = _role_credentials(function.role, function.function_name)
    return {
        "_HANDLER": function.handler,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
        "AWS_REGION": REGION,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        **{name: str(value) for name, value in (function.environment_vars or {}).items()},
    }


def _role_credentials(role_arn: str, session_name: str) -> AssumedRole:
    """A session of the role, made in moto's own records: the SDK is not asked."""
    iam_backends[ACCOUNT][PARTITION].get_role_by_arn(role_arn)  # raises for a role that is not deployed
    return sts_backends[ACCOUNT][PARTITION].assume_role(
        region_name=REGION,
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=_DAY_SECONDS,
        external_id="",
    )


def _fresh_module(name: str) -> ModuleType:
    """The module as newly imported, without touching the one that others may have imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    module = importlib.util.module_from_spec(spec)
    shared = sys.modules.get(name)
    sys.modules[name] = module  # where dataclasses and pickles look their module up
    try:
        spec.loader.exec_module(module)
    finally:
        if shared is None:
            del sys.modules[name]
        else:
            sys.modules[name] = shared
    return module
