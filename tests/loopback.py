"""An open embedded cloud over loopback, for functions that run in processes of their own."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.server import ThreadedMotoServer

from phone_vault.local import LocalCloud


@contextmanager
def served(cloud: LocalCloud) -> Iterator[dict[str, str]]:
    """The environment variable that leads a process's AWS calls to the open cloud."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else a line for every request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    finally:
        server.stop()


def environment_of(cloud: LocalCloud, function: str) -> dict[str, str]:
    """What Lambda sets for the function: its variables as deployed and its own role's credentials."""
    functions: Any = cloud.client("lambda")
    configuration = functions.get_function_configuration(FunctionName=f"phone-vault-{function}")
    tokens: Any = cloud.client("sts")
    session = tokens.assume_role(RoleArn=configuration["Role"], RoleSessionName=function)
    credentials = session["Credentials"]
    return {
        **{name: str(value) for name, value in configuration["Environment"]["Variables"].items()},
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
        "AWS_REGION": functions.meta.region_name,
        "AWS_DEFAULT_REGION": functions.meta.region_name,
        "AWS_LAMBDA_FUNCTION_NAME": configuration["FunctionName"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
    }


def without_aws_settings() -> dict[str, str]:
    """This process's environment without AWS and Python settings, the developer's AWS profile included."""
    foreign = ("AWS_", "POWERTOOLS_", "PYTHON")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return own | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
