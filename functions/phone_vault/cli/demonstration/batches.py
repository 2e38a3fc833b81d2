"""Calls by the hundred, which is as many as a function takes."""

from collections.abc import Mapping, Sequence
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.local import LocalCloud

MOST_ITEMS = 100


def call_in_batches(
    cloud: LocalCloud,
    console: Console,
    function: str,
    items: Sequence[Mapping[str, Any]],
    common: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The answers, in the items' order."""
    batches = [items[at : at + MOST_ITEMS] for at in range(0, len(items), MOST_ITEMS)]
    return [
        answer
        for batch in console.progress(function, batches)
        for answer in cloud.invoke(function, {**common, "items": batch})["results"]
    ]
