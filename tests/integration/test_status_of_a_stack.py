"""`phone-vault status` in a process of its own, by the AWS CLI's options."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

import phone_vault
from phone_vault.local import LocalCloud
from tests.integration.support.numbers import BRITISH
from tests.loopback import served, without_aws_settings

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAUNRESTRICTED0000", "AWS_SECRET_ACCESS_KEY": "unrestricted"}
HERE = ["--region", "eu-west-1", "--stack-name", "phone-vault"]
NO_INSTANCE_ROLE = {"AWS_EC2_METADATA_DISABLED": "true"}


def status(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, with no AWS settings but these."""
    code = "import sys; from phone_vault.cli import main; sys.exit(main(sys.argv[1:]))"
    path = {"PYTHONPATH": str(Path(phone_vault.__file__).parents[1])}
    return subprocess.run(
        [sys.executable, "-c", code, "status", *options],
        env={**without_aws_settings(), **path, **NO_INSTANCE_ROLE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with LocalCloud() as cloud:
        cloud.invoke("Protect", {"subject_id": "anna", "number": BRITISH, "purposes": {"delivery": {}}})
        with served(cloud) as environment:
            yield environment["AWS_ENDPOINT_URL"]


def test_a_stack_is_read_at_an_endpoint(endpoint: str) -> None:
    done = status("--endpoint-url", endpoint, *HERE, "--json", **CREDENTIALS)
    assert json.loads(done.stdout)["totals"]["stored_numbers"]["total"] == 1, done.stderr


def test_the_policy_is_said_to_be_the_shipped_one(endpoint: str) -> None:
    done = status("--endpoint-url", endpoint, *HERE, **CREDENTIALS)
    assert "functions/policy.toml (shipped with this command" in done.stdout, done.stderr


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What it says on stderr, in one line and without a traceback."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    return line


def test_a_stack_that_is_missing_is_said_to_be(endpoint: str) -> None:
    options = ["--endpoint-url", endpoint, "--region", "eu-west-1", "--stack-name", "other"]
    assert "Stack with id other does not exist" in refused(status(*options, **CREDENTIALS))


def test_missing_credentials_are_said_to_be(endpoint: str) -> None:
    assert "there are no AWS credentials" in refused(status("--endpoint-url", endpoint, *HERE))


def test_a_profile_that_is_missing_is_said_to_be() -> None:
    assert "The config profile (nobody) could not be found" in refused(status("--profile", "nobody", *HERE))


def test_a_region_that_is_missing_is_said_to_be() -> None:
    assert "name one with --region" in refused(status("--stack-name", "phone-vault", **CREDENTIALS))


def test_an_endpoint_that_is_none_is_said_to_be() -> None:
    assert "Invalid endpoint" in refused(status("--endpoint-url", "nowhere", *HERE, **CREDENTIALS))


class _Denying(BaseHTTPRequestHandler):
    """CloudFormation for somebody without permission."""

    answer = (
        b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/anna is "
        b"not authorized to perform: cloudformation:DescribeStacks</Message></Error></ErrorResponse>"
    )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_missing_permission_is_named() -> None:
    with HTTPServer(("127.0.0.1", 0), _Denying) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        done = status("--endpoint-url", f"http://127.0.0.1:{server.server_port}", *HERE, **CREDENTIALS)
        server.shutdown()
    assert "may not be read with these credentials" in refused(done)
    assert "cloudformation:DescribeStacks" in done.stderr
