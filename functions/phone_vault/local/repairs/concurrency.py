"""One request at a time: moto's services are plain dictionaries, and threads lose each other's updates in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any
from unittest.mock import patch

from moto.core.responses import BaseResponse

MOTO = RLock()
"""Held while moto answers, and by whoever looks into its services meanwhile."""

# Their requests run functions and state machines, which make requests of their own from other threads.
_RUNS_OTHERS = frozenset({"awslambda", "stepfunctions"})

_dispatch = BaseResponse._dispatch


@contextmanager
def repairs() -> Iterator[None]:
    """Requests of several threads are answered one after the other, as if each were atomic."""

    def dispatch(response: BaseResponse, *args: Any, **kwargs: Any) -> Any:
        if response.service_name in _RUNS_OTHERS:
            return _dispatch(response, *args, **kwargs)
        with MOTO:
            return _dispatch(response, *args, **kwargs)

    with patch.object(BaseResponse, "_dispatch", dispatch):
        yield
