"""An import from beginning to end, or from where the last one ended."""

import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phone_vault.cli.importing.batches import answered, batches, settle
from phone_vault.cli.importing.csv_format import CsvFormat
from phone_vault.cli.importing.destination import Destination
from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.journal import Identity, Progress, fingerprint, new_salt, options_digest
from phone_vault.cli.importing.json_format import JsonLinesFormat
from phone_vault.cli.importing.progress_bar import progress_bar
from phone_vault.cli.importing.rows import Format
from phone_vault.cli.importing.source import Source, opened
from phone_vault.cli.importing.vault import Batches, Vault
from phone_vault.cli.importing.vaults import Place, vault_at
from phone_vault.cli.problem import Problem

_EMBEDDED_CONCURRENCY = 1  # it works in this process's one interpreter
_STACK_CONCURRENCY = 4


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
            "fields": repr(self.fields),
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


def run(task: Import, *, silent: bool) -> Report:
    """`Problem` for whatever keeps it from its end; what was committed by then is complete, and a later run goes on."""
    with ExitStack() as opened_now:
        source = opened_now.enter_context(opened(task.input, task.encoding))
        file_format = _format(task, source)
        vault = opened_now.enter_context(vault_at(task.place))
        destination = opened_now.enter_context(closing(Destination(task.output, task.rejects)))
        try:
            return _import(task, source, file_format, vault, destination, silent=silent)
        except (Problem, KeyboardInterrupt):
            destination.abandon()
            raise


def _import(
    task: Import, source: Source, file_format: Format, vault: Vault, destination: Destination, *, silent: bool
) -> Report:
    beginning = Progress(len(file_format.preamble), file_format.first_line)
    identity, start, began_anew = _start(task, source, vault, destination, beginning)
    destination.begin(identity, start)
    started = time.perf_counter()
    progress = start
    asking = Batches(vault, task.common)
    concurrency = task.concurrency or (_EMBEDDED_CONCURRENCY if task.place.embedded else _STACK_CONCURRENCY)
    with (
        progress_bar(source.size, start, silent=silent) as bar,
        closing(answered(batches(file_format, start, task.batch_size), asking, concurrency)) as results,
    ):
        for batch, answers in results:
            source.require_unchanged()
            settled = settle(file_format, progress, batch, answers)
            progress = destination.commit(settled.output, settled.rejects, settled.progress)
            bar.show(progress)
    if not progress.complete:
        progress = _finish(file_format, destination, progress)
    seconds = time.perf_counter() - started
    resumed = start.line if start != beginning else None
    return Report(task, progress, resumed, progress.counts.rows - start.counts.rows, seconds, began_anew)


def _start(
    task: Import, source: Source, vault: Vault, destination: Destination, beginning: Progress
) -> tuple[Identity, Progress, bool]:
    earlier = destination.earlier()
    salt = earlier[0].salt if earlier else new_salt()
    identity = Identity(
        salt=salt,
        input=fingerprint(source.digest, salt),
        options=fingerprint(options_digest(task.deciding()), salt),
        vault=vault.identity,
    )
    if earlier is None:
        return identity, beginning, False
    before, progress = earlier
    anew = f"To begin anew, remove {task.output}, {task.rejects} and {destination.journal.path}."
    if before.input != identity.input:
        raise Problem(f"{task.input} has changed since the import began, so it cannot be continued. {anew}")
    if before.options != identity.options:
        raise Problem(f"the import began with other options, so it cannot be continued. {anew}")
    if before.vault == identity.vault:
        return identity, progress, False
    if before.vault.startswith("embedded ") and task.place.embedded:
        # That vault went with its process, and its tokens lead nowhere.
        destination.require_as_left(progress)
        return identity, beginning, True
    raise Problem(f"the import began with another vault, so it cannot be continued. {anew}")


def _finish(file_format: Format, destination: Destination, progress: Progress) -> Progress:
    """A file without rows has its header still to come."""
    output = b"" if progress.output_bytes else file_format.preamble
    rejects = b"" if progress.rejects_bytes else file_format.reject_header()
    return destination.commit(output, rejects, replace(progress, complete=True))


def _format(task: Import, source: Source) -> Format:
    if task.kind == "csv":
        return CsvFormat(source, task.encoding, task.delimiter, task.fields)
    return JsonLinesFormat(source, task.encoding, task.fields)
