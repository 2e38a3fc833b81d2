"""What a cold start must not load, whoever imports it."""

import json
import subprocess
import sys

import pytest

from phone_vault.local import LocalCloud
from tests.loopback import environment_of, without_aws_settings

TOO_SLOW_TO_IMPORT = {
    "aws_cryptographic_material_providers",
    "aws_xray_sdk",
    "moto",
    "phonenumbers.carrier",
    "phonenumbers.geocoder",
    "phonenumbers.timezone",
    "pydantic",
    "samtranslator",
    "yaml",
}


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
def test_importing_a_handler_loads_nothing_that_is_slow(function: str) -> None:
    module = f"phone_vault.handlers.{function.lower()}"
    script = f"import json, sys; import {module}; print(json.dumps(list(sys.modules)))"
    with LocalCloud() as cloud:
        environment = environment_of(cloud, function)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=without_aws_settings() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert module in loaded
    assert loaded & TOO_SLOW_TO_IMPORT == set()
