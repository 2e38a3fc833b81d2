"""The package as others install it: `pip install '.[local]'`, neither editable nor beside the checkout."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loopback import without_aws_settings

ROOT = Path(__file__).parents[2]
PROTECT_AND_REVEAL = """
import json
from pathlib import Path
import phone_vault
from phone_vault.local import LocalCloud

with LocalCloud() as cloud:
    request = json.loads(Path("protect.direct.json").read_text())
    stored = cloud.invoke("Protect", request)
    purpose = next(iter(request["purposes"]))
    shown = cloud.invoke("Reveal", {"token": stored["token"], "purpose": purpose})
print(json.dumps({"package": phone_vault.__file__, "number": shown["number"]}))
"""


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site-packages")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # What it depends on is installed already, in the versions that are locked.
    subprocess.run([*install, "--no-deps", "--no-build-isolation", "--target", target, ROOT], check=True)
    return target


def test_an_installed_package_brings_the_templates_and_the_policy_as_they_are(site_packages: Path) -> None:
    shipped = site_packages / "phone_vault" / "local" / "shipped"
    nested = [path.relative_to(ROOT) for path in (ROOT / "infrastructure").rglob("*.yaml")]
    assert nested
    for path in [Path("template.yaml"), Path("functions", "policy.toml"), *nested]:
        assert (shipped / path).read_bytes() == (ROOT / path).read_bytes()


def test_an_installed_package_works_away_from_the_checkout(site_packages: Path, tmp_path: Path) -> None:
    event = "protect.direct.json"
    (tmp_path / event).write_bytes((ROOT / "events" / event).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", PROTECT_AND_REVEAL],
        cwd=tmp_path,
        env=without_aws_settings() | {"PYTHONPATH": str(site_packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert Path(answer["package"]).is_relative_to(site_packages)
    assert answer["number"] == "+447400123456"


def test_an_installed_package_has_the_command(site_packages: Path) -> None:
    assert (site_packages / "bin" / "phone-vault").is_file()
