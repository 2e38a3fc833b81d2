"""The process's environment, as the SDK reads it while clients are made."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from unittest.mock import patch

_process = RLock()

# The SDK would read the developer's own profile, which may name another region or endpoint.
_NO_PROFILE = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@contextmanager
def aws_settings(settings: Mapping[str, str]) -> Iterator[None]:
    """These in place of the process's own settings of AWS and Powertools, and no SDK session left over.

    A process has one environment, so this is for one thread at a time. Clients keep what they were made with.
    """
    with _process:
        foreign = [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_"))]
        wanted = {**dict.fromkeys(foreign), **_NO_PROFILE, **settings}
        before = {name: os.environ.get(name) for name in wanted}
        _set(wanted)
        try:
            with patch("boto3.DEFAULT_SESSION", None):
                yield
        finally:
            _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    """One by one, because other threads go on reading theirs."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
