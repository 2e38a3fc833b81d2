"""The tests' own ear at the wire: every request that functions send, and the faults that tests put there."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from threading import local
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.endpoint
from botocore import handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber


class Crash(BaseException):
    """The function's process ends here: nothing in it may catch this."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request as it left a function."""

    function: str
    service: str
    operation: str
    body: Mapping[str, Any]
    invocation_id: str
    """The SDK's; retries of one call share it."""

    @property
    def name(self) -> str:
        return f"{self.service}.{self.operation}"

    def concerns(self, table: str) -> bool:
        """Whether a table of this name, `AuditTrail`, is named in it."""
        return f'"phone-vault-{table}"' in json.dumps(self.body)


class Fault(Enum):
    """What may become of a request."""

    CRASH_BEFORE = "the process ends before the request leaves"
    CRASH_AFTER = "the process ends when the request is done, before its answer is read"
    RESPONSE_LOST = "the request is done, and so are its retries, but no answer arrives"
    FIRST_RESPONSE_LOST = "the request is done, its answer is lost, the retry is answered"
    SERVER_ERROR = "the service does nothing and answers with an error of its own, to retries too"


Choice = Callable[[Sent, int], "Fault | Answer | None"]
"""Decides about a request; the number counts the calls since the fault was armed, from 0, retries not counted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer in the service's place."""

    status: int
    body: Mapping[str, Any]


def error(code: str, **more: Any) -> Answer:
    """A client error of AWS's JSON protocols."""
    return Answer(400, {"__type": code, "message": "injected", **more})


class _Current(local):  # without slots: those would be shared by all threads
    function: str | None = None


@dataclass(slots=True)
class Wire:
    """Hooks of its own in all SDK sessions that are made while `tapped`; listens to functions alone."""

    sent: list[Sent] = field(default_factory=list)
    _current: _Current = field(default_factory=_Current)
    _choice: Choice | None = None
    _ordinals: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def tapped(self) -> Iterator[None]:
        # In the place of the one that answers for AWS: whatever a hook beside it did, that one would act as well.
        hooks = [
            ("before-send", self._before_send) if each[1] is botocore_stubber else each
            for each in handlers.BUILTIN_HANDLERS
        ]
        with (
            patch.object(handlers, "BUILTIN_HANDLERS", hooks),
            # Retries of injected faults need no rest.
            patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _seconds: None)),
        ):
            yield

    @contextmanager
    def during(self, function: str) -> Iterator[None]:
        """What this thread sends meanwhile is this function's."""
        self._current.function = function
        try:
            yield
        finally:
            self._current.function = None

    @contextmanager
    def failing(self, choice: Choice) -> Iterator[None]:
        """Requests meet what is chosen for them."""
        self._ordinals = {}
        self._choice = choice
        try:
            yield
        finally:
            self._choice = None

    @contextmanager
    def recorded(self) -> Iterator[list[Sent]]:
        """What is sent meanwhile, without retries told apart."""
        start = len(self.sent)
        recorded: list[Sent] = []
        try:
            yield recorded
        finally:
            recorded += self.sent[start:]

    def _before_send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> Any:
        if self._current.function is None:
            return botocore_stubber(event_name=event_name, request=request)
        service, operation = event_name.split(".")[1:]
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body)
        invocation_id = _text(request.headers.get("amz-sdk-invocation-id", ""))
        sent = Sent(self._current.function, service, operation, json.loads(body or "{}"), invocation_id)
        self.sent.append(sent)
        if self._choice is None:
            return botocore_stubber(event_name=event_name, request=request)
        seen = sent.invocation_id in self._ordinals
        ordinal = self._ordinals.setdefault(sent.invocation_id, len(self._ordinals))
        return _answer(self._choice(sent, ordinal), event_name, request, again=seen)


def _answer(chosen: Fault | Answer | None, event_name: str, request: AWSPreparedRequest, *, again: bool) -> Any:
    url = str(request.url)
    match chosen:
        case Answer():
            return _response(url, chosen)
        case Fault.SERVER_ERROR:
            return _response(url, Answer(500, {"__type": "InternalServerError", "message": "injected"}))
        case Fault.CRASH_BEFORE:
            raise Crash
    done = botocore_stubber(event_name=event_name, request=request)
    match chosen:
        case Fault.CRASH_AFTER:
            raise Crash
        case Fault.RESPONSE_LOST:
            raise ReadTimeoutError(endpoint_url=url)
        case Fault.FIRST_RESPONSE_LOST if not again:
            raise ReadTimeoutError(endpoint_url=url)
    return done


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _response(url: str, answer: Answer) -> AWSResponse:
    headers = HTTPHeaders()
    headers["content-type"] = "application/x-amz-json-1.0"
    return AWSResponse(url, answer.status, headers, _Raw(json.dumps(answer.body).encode()))


def _text(header: object) -> str:
    return header.decode() if isinstance(header, bytes) else str(header)


def counts(sent: Sequence[Sent]) -> dict[str, int]:
    """Requests by service and operation."""
    found: dict[str, int] = {}
    for each in sent:
        found[each.name] = found.get(each.name, 0) + 1
    return found


def to(service: str, sent: Sequence[Sent]) -> list[Sent]:
    """The requests to one service."""
    return [each for each in sent if each.service == service]
