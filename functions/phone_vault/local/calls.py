"""The AWS calls that functions made, recorded where the SDK puts them on the wire, retries included."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import Any
from unittest.mock import patch

from botocore import handlers
from botocore.awsrequest import AWSPreparedRequest


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One request; the units are what DynamoDB would charge for it, computed from the items' sizes."""

    service: str
    operation: str
    function: str
    read_units: float = 0
    write_units: float = 0


class _Meter(local):
    """Units of the request under way in this thread: moto answers in the thread that asks."""

    read_units = 0.0
    write_units = 0.0


METER = _Meter()


@dataclass(slots=True)
class _Open:
    service: str
    operation: str
    function: str
    read_units: float = 0
    write_units: float = 0


class CallRecorder:
    """Hooks into every SDK session that is made while `hooked`."""

    def __init__(self) -> None:
        self._calls: list[_Open] = []

    @property
    def calls(self) -> list[AwsCall]:
        """Oldest first; a list of its own each time."""
        return [AwsCall(c.service, c.operation, c.function, c.read_units, c.write_units) for c in self._calls]

    @contextmanager
    def hooked(self, function: str) -> Iterator[None]:
        """SDK sessions that are made meanwhile have all their calls recorded as this function's."""
        under_way = local()

        def sent(event_name: str, request: AWSPreparedRequest, **_: Any) -> None:
            service, operation = event_name.split(".")[1:]
            METER.read_units = METER.write_units = 0.0
            under_way.call = call = _Open(service, operation, function)
            self._calls.append(call)

        def answered(**_: Any) -> None:
            call: _Open = under_way.call
            call.read_units, call.write_units = METER.read_units, METER.write_units

        hooks = [
            # First: the one that answers in AWS's place ends the event.
            ("before-send", sent, handlers.REGISTER_FIRST),
            ("response-received", answered),
        ]
        with patch.object(handlers, "BUILTIN_HANDLERS", [*handlers.BUILTIN_HANDLERS, *hooks]):
            yield
