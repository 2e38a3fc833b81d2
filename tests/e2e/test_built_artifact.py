"""What is deployed, not the source tree: built by sam, run by Lambda's own runtime under its emulator."""

import json
import platform
import socket
import struct
import subprocess
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from phone_vault.local import LocalCloud
from tests.infrastructure.templates import TEMPLATE_OF
from tests.loopback import environment_of, served, without_aws_settings

pytestmark = pytest.mark.artifact

ROOT = Path(__file__).parents[2]
RUNTIME_PYTHON = ROOT / ".venv-runtime" / "bin" / "python"
FUNCTIONS = sorted(TEMPLATE_OF)
DEPLOYED = "arm64"
HERE = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
UNCHECKED_HASH = 0b01  # PEP 552


def name_in_stack(function: str) -> str:
    return f"{TEMPLATE_OF[function].capitalize()}/{function}Function"


class Built:
    """An artifact of `sam build`, as make build makes it."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self.definitions = folder / "build.toml"
        self.stacks = folder / "build"
        subprocess.run([ROOT / ".ci" / "build", folder / "build", architecture], check=True)

    def code(self, function: str) -> Path:
        return self.stacks / name_in_stack(function)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Built]:
    """Builds for an architecture, once."""
    return cache(lambda architecture: Built(tmp_path_factory.mktemp(architecture), architecture))


def event(name: str) -> dict[str, Any]:
    request: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return request


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in held]
    for holder in held:
        holder.close()
    return ports


@contextmanager
def in_lambda(code: Path, function: str, environment: dict[str, str], log: Path) -> Iterator[str]:
    """The URL to invoke the built function at, for as long as its environment lives."""
    (emulator,) = (ROOT / ".venv-sam").glob(f"lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-{HERE}")
    port, api_port = free_ports(2)
    command = [
        str(emulator),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{api_port}"),
        *(str(RUNTIME_PYTHON), "-m", "awslambdaric", f"phone_vault.handlers.{function.lower()}.handler"),
    ]
    task = {"LAMBDA_TASK_ROOT": str(code), "PYTHONPATH": str(code)}
    with log.open("wb") as lines:
        process = subprocess.Popen(
            command,
            cwd=code,
            env=without_aws_settings() | environment | task,
            stdout=lines,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    finally:
        process.terminate()
        process.wait(timeout=10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the runtime interface emulator does not listen")


def post(url: str, payload: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(payload).encode())  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - loopback
        answer: dict[str, Any] = json.load(response)
    return answer


def test_all_functions_share_one_build(build: Callable[[str], Built]) -> None:
    definitions = tomllib.loads(build(DEPLOYED).definitions.read_text())["function_build_definitions"]
    (shared,) = definitions.values()
    assert sorted(shared["functions"]) == sorted(map(name_in_stack, FUNCTIONS))


@pytest.mark.parametrize("architecture", sorted({DEPLOYED, HERE}))
def test_compiled_libraries_are_of_the_architecture_asked_for(architecture: str, build: Callable[[str], Built]) -> None:
    libraries = list(build(architecture).stacks.rglob("*.so"))
    assert libraries
    for library in libraries:
        (machine,) = struct.unpack_from("<H", library.read_bytes(), 18)
        assert machine == ELF_MACHINES[architecture], library


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_module_has_bytecode_that_lambda_takes_unchecked(function: str, build: Callable[[str], Built]) -> None:
    modules = list(build(DEPLOYED).code(function).rglob("*.py"))
    assert modules
    for module in modules:
        bytecode = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        (flags,) = struct.unpack_from("<I", bytecode.read_bytes(), 4)
        assert flags == UNCHECKED_HASH, module


def test_the_material_providers_library_is_not_deployed(build: Callable[[str], Built]) -> None:
    assert not list(build(DEPLOYED).stacks.rglob("aws_cryptographic_material*"))


def test_a_built_reveal_answers_the_number_that_a_built_protect_stored(
    build: Callable[[str], Built], tmp_path: Path
) -> None:
    code = build(HERE).code
    logs = {name: tmp_path / f"{name}.log" for name in ("Protect", "Reveal")}
    # The functions run by the real clock in processes of their own.
    with LocalCloud(start=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}") as cloud, served(cloud) as aws:

        def answer(function: str, payload: dict[str, Any]) -> dict[str, Any]:
            environment = aws | environment_of(cloud, function)
            with in_lambda(code(function), function, environment, logs[function]) as url:
                return post(url, payload)

        stored = answer("Protect", event("protect.direct"))
        assert "token" in stored, (stored, logs["Protect"].read_text())
        shown = answer("Reveal", event("reveal.direct") | {"token": stored["token"]})
    assert shown.get("number") == "+447400123456", (shown, logs["Reveal"].read_text())
    assert all("7400123456" not in log.read_text() for log in logs.values())


def test_what_answers_is_the_artifact_and_not_the_source_tree(build: Callable[[str], Built]) -> None:
    code = build(HERE).code("Reveal")
    where = "import cryptography, phone_vault; print(cryptography.__file__, phone_vault.__file__)"
    done = subprocess.run([RUNTIME_PYTHON, "-c", where], cwd=code, capture_output=True, text=True, check=True)
    assert all(Path(found).is_relative_to(code) for found in done.stdout.split())
