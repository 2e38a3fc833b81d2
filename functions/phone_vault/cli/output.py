"""What a command says to machines."""

import json
from collections.abc import Mapping
from typing import Any


def print_json(report: Mapping[str, Any]) -> None:
    """One object on stdout."""
    print(json.dumps(report, indent=2))
