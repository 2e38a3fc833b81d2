"""The SDK's own data files, parsed once in a process.

Every session of the SDK parses its service models and endpoints anew, which takes a tenth of a second and is most of a
function's cold start. A function in Lambda has a process of its own; ours share one.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore import session
from botocore.loaders import Loader, create_loader

_parsed: defaultdict[str | None, dict[Any, Any]] = defaultdict(dict)


def _loader(search_path: str | None = None) -> Loader:
    loader = create_loader(search_path)
    loader._cache = _parsed[search_path]  # type: ignore[attr-defined]  # where a loader keeps what it has read
    return loader


@contextmanager
def parsed_once() -> Iterator[None]:
    """Sessions share what their loaders have read, as the clients of one session do already."""
    with patch.object(session, "create_loader", _loader):
        yield
