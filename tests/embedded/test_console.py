"""What functions print is kept, and told apart."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from phone_vault.local import FunctionError, LocalCloud
from tests.embedded.probes import deploy


@pytest.fixture(autouse=True)
def _probe(cloud: LocalCloud) -> None:
    deploy(cloud)


def test_lines_are_kept_oldest_first(cloud: LocalCloud) -> None:
    cloud.invoke("Probe", {"print": ["one", "two"]})
    cloud.invoke("Probe", {"print": ["three"]})
    assert cloud.logs == ["one", "two", "three"]


def test_lines_outlive_a_restart(cloud: LocalCloud) -> None:
    cloud.invoke("Probe", {"print": ["one"]})
    cloud.restart()
    assert cloud.logs == ["one"]


def test_lines_of_concurrent_invocations_are_attributed(cloud: LocalCloud) -> None:
    def talk(speaker: int) -> None:
        cloud.invoke("Probe", {"print": [f"{speaker}"] * 20, "pause": 0.002})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(talk, range(8)))
    spoken: dict[str, list[str]] = {}
    for line in cloud.log_lines:
        spoken.setdefault(line.request_id, []).append(line.line)
    assert sorted(spoken.values()) == [[str(speaker)] * 20 for speaker in range(8)]


def test_lines_name_their_function(cloud: LocalCloud) -> None:
    cloud.invoke("Probe", {"print": ["one"]})
    assert [line.function for line in cloud.log_lines] == ["Probe"]


def test_an_exception_is_logged_as_lambda_does(cloud: LocalCloud) -> None:
    with pytest.raises(FunctionError):
        cloud.invoke("Probe", {"fail": "no luck"})
    assert cloud.logs[:2] == ["[ERROR] PermissionError: no luck", "Traceback (most recent call last):"]


def test_nothing_of_it_reaches_the_tests_own_output(cloud: LocalCloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.invoke("Probe", {"print": ["theirs"]})
    assert capsys.readouterr().out == ""


def test_what_other_threads_print_meanwhile_stays_theirs(cloud: LocalCloud, capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(1) as thread:
        talking = thread.submit(cloud.invoke, "Probe", {"print": ["theirs"] * 20, "pause": 0.005})
        while not cloud.logs:
            pass
        sys.stdout.write("mine\n")
        talking.result()
    assert capsys.readouterr().out == "mine\n"
    assert cloud.logs == ["theirs"] * 20
