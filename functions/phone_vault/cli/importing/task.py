"""What an import is asked to do, and how it ended."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.journal import Progress
from phone_vault.cli.importing.place import Place


@dataclass(frozen=True, slots=True)
class Import:
    """What the command line asks for."""

    input: Path
    output: Path
    rejects: Path
    kind: str
    encoding: str
    delimiter: str
    fields: Fields
    common: Mapping[str, Any]
    """What all requests share."""
    place: Place
    batch_size: int
    concurrency: int | None

    def deciding(self) -> dict[str, Any]:
        """What decides how a row comes out. With other options it would be another import."""
        return {
            "kind": self.kind,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "fields": asdict(self.fields),
            "common": self.common,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """How it ended."""

    task: Import
    progress: Progress
    resumed_at_line: int | None
    rows_now: int
    seconds: float
    began_anew: bool
