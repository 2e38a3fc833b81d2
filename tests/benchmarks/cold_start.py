"""A handler's import and first answer against bare boto3, in whole processes run in turn. Asserts nothing.

python -m tests.benchmarks.cold_start [RUNS]
"""

import json
import pickle
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from phone_vault.local import LocalCloud
from tests.loopback import environment_of, served, without_aws_settings

ROOT = Path(__file__).parents[2]
RUNS = 25
TARGET = 1.6

BARE = """
import boto3
clients = {"dynamodb": boto3.client("dynamodb"), "kms": boto3.client("kms")}
"""

REPLAY = """
import pickle, sys
from botocore.exceptions import ClientError
for service, operation, parameters in pickle.load(open(sys.argv[1], "rb")):
    try:
        clients[service]._make_api_call(operation, parameters)
    except ClientError:
        pass  # a write that was to happen once
"""

ANSWER = """
import json, sys
from types import SimpleNamespace
from phone_vault.handlers.reveal import handler
context = SimpleNamespace(
    aws_request_id="1",
    function_name="phone-vault-Reveal",
    function_version="$LATEST",
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:phone-vault-Reveal",
    memory_limit_in_mb="1024",
)
answer = handler(json.loads(sys.argv[2]), context)
assert answer["number"] == "+447400123456", answer
"""

# Before ANSWER: notes every call with its parameters, for REPLAY to make the same ones.
RECORD = """
import atexit, pickle, sys
from botocore.client import BaseClient
calls, make = [], BaseClient._make_api_call
def noting(client, operation, parameters):
    calls.append((client.meta.service_model.service_name, operation, parameters))
    return make(client, operation, parameters)
BaseClient._make_api_call = noting
atexit.register(lambda: pickle.dump(calls, open(sys.argv[1], "wb")))
"""


def seconds(script: str, arguments: list[str], environment: dict[str, str]) -> float:
    """From the start of a Python process to its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", script, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main(runs: int) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    request = json.loads((ROOT / "events" / "protect.direct.json").read_text())
    with LocalCloud(start=now) as cloud, served(cloud) as aws, TemporaryDirectory() as folder:
        stored = cloud.invoke("Protect", request)
        event = json.dumps({"token": stored["token"], "purpose": next(iter(request["purposes"]))})
        calls = Path(folder) / "calls"
        arguments = [str(calls), event]
        environment = without_aws_settings() | aws | environment_of(cloud, "Reveal")

        seconds(RECORD + ANSWER, arguments, environment)
        made = [f"{service}:{operation}" for service, operation, _ in pickle.loads(calls.read_bytes())]  # noqa: S301 - our own
        scripts = {
            "boto3 with two clients": BARE,
            f"the same, and the {len(made)} calls of a Reveal": BARE + REPLAY,
            "Reveal: import and first answer": ANSWER,
        }
        for script in scripts.values():
            seconds(script, arguments, environment)  # leaves bytecode of everything behind
        measured: dict[str, list[float]] = {name: [] for name in scripts}
        for _ in range(runs):
            for name, script in scripts.items():
                measured[name].append(seconds(script, arguments, environment))

    medians = {name: median(times) for name, times in measured.items()}
    bare, calling, answering = medians.values()
    print(f"Calls of a Reveal: {', '.join(made)}")
    print(f"Medians of {runs} processes each, run in turn, Python {sys.version.split()[0]}:")
    for name, value in medians.items():
        print(f"  {name:40} {value * 1000:6.0f} ms")
    print(f"  {'Reveal over bare boto3':40} {answering / bare:6.2f}, target: at most {TARGET}")
    print(f"  {'Reveal over boto3 with the same calls':40} {answering / calling:6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)
