"""An import from beginning to end, or from where the last one ended."""

import sys
import time
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace

from phone_vault.cli.importing.batch import answered, in_batches
from phone_vault.cli.importing.csv_format import CsvFormat
from phone_vault.cli.importing.destination import Destination
from phone_vault.cli.importing.journal import Identity, Progress, fingerprint, new_salt, options_digest
from phone_vault.cli.importing.json_format import JsonLinesFormat
from phone_vault.cli.importing.patient_vault import PatientVault, Vault
from phone_vault.cli.importing.place import vault_at
from phone_vault.cli.importing.rows import Format
from phone_vault.cli.importing.settling import settle
from phone_vault.cli.importing.source import Source, opened
from phone_vault.cli.importing.task import Import, Report
from phone_vault.cli.meter import Measured, Meter, NoMeter, meter
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

_EMBEDDED_CONCURRENCY = 1  # it works in this process's one interpreter
_STACK_CONCURRENCY = 4


def carry_out(task: Import, *, silent: bool) -> Report:
    """`Problem` for whatever keeps it from its end; what was committed by then is complete, and a later run goes on."""
    with ExitStack() as opened_now:
        source = opened_now.enter_context(opened(task.input, task.encoding))
        file_format = _format(task, source)
        vault = opened_now.enter_context(vault_at(task.place))
        destination = opened_now.enter_context(closing(Destination(task.output, task.rejects, task.input)))
        asking = PatientVault(vault, task.common)
        try:
            return _import(task, source, file_format, vault, asking, destination, silent=silent)
        except (Problem, KeyboardInterrupt):
            if not asking.may_have_stored:  # else the next start has to call the rows by the same names
                destination.abandon()
            raise


def _import(
    task: Import,
    source: Source,
    file_format: Format,
    vault: Vault,
    asking: PatientVault,
    destination: Destination,
    *,
    silent: bool,
) -> Report:
    beginning = Progress(len(file_format.preamble), file_format.first_line)
    identity, start, began_anew = _start(task, source, vault, destination, beginning)
    destination.begin(identity, start)
    started = time.perf_counter()
    progress = start
    concurrency = task.concurrency or (_EMBEDDED_CONCURRENCY if task.place.embedded else _STACK_CONCURRENCY)
    waiting = in_batches(file_format, start, task.batch_size)
    with (
        _meter(source, start, silent=silent) as shown,
        closing(answered(waiting, asking, identity.salt, concurrency)) as results,
    ):
        for batch, answers in results:
            source.require_unchanged()
            settled = settle(file_format, progress, batch, answers)
            progress = destination.commit(settled.output, settled.rejects, settled.progress)
            shown.show(progress.offset, _rows(progress))
    if not progress.complete:
        progress = _finish(file_format, destination, progress)
    seconds = time.perf_counter() - started
    resumed = start.line if start != beginning else None
    return Report(task, progress, resumed, progress.counts.rows - start.counts.rows, seconds, began_anew)


def _meter(source: Source, start: Progress, *, silent: bool) -> AbstractContextManager[Meter]:
    """By bytes of the file, whose number is known; that of its rows is not."""
    if silent:
        return nullcontext(NoMeter())
    return meter(Measured("import", source.size, start.offset, "B"), lambda line: print(line, file=sys.stderr))


def _rows(progress: Progress) -> str:
    rejected = sum(progress.counts.rejected.values())
    return f"{progress.counts.rows:,} rows" + (f", {rejected:,} rejected" if rejected else "")


def _start(
    task: Import, source: Source, vault: Vault, destination: Destination, beginning: Progress
) -> tuple[Identity, Progress, bool]:
    earlier = destination.earlier()
    salt = earlier.identity.salt if earlier else new_salt()
    identity = Identity(
        salt=salt,
        input=fingerprint(source.digest, salt),
        options=fingerprint(options_digest(task.deciding()), salt),
        vault=vault.identity,
    )
    if earlier is None:
        return identity, beginning, False
    before, progress = earlier.identity, earlier.progress
    files = " and ".join(f"{printable(path)}" for path in (task.output, task.rejects, destination.journal.path))
    anew = f"To begin anew, remove {files}."
    if before.input != identity.input:
        raise Problem(f"{printable(task.input)} has changed since the import began, so it cannot be continued. {anew}")
    if progress.offset > source.size:
        raise Problem(f"the journal does not read: it goes beyond the end of {printable(task.input)}")
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
