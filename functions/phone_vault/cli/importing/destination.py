"""Output, rejects and journal: at any moment as much as was committed, or more, which the next start cuts off.

The journal comes first: it is what locks, and output and rejects are made when it says that they are this import's. So
a file that is there before it is somebody else's, an empty one too. The order of steps for each batch, and why:

1. The vault protects the numbers. Done again after an interruption, it answers the same tokens.
2. Rows are appended to the output and to the rejects, and both are on the disk (fsync).
3. Only then the journal says so: it never promises bytes that a power failure can take back.

Interrupted before 3, the next start finds the old journal, cuts both files to the lengths that it names, and begins at
its offset: no gap, because nothing behind it counts, and no duplicate, because nothing behind it stays.
"""

from dataclasses import replace
from pathlib import Path

from phone_vault.cli.importing.appended_file import AppendedFile
from phone_vault.cli.importing.journal import Entry, Identity, Progress
from phone_vault.cli.importing.journal_file import JournalFile
from phone_vault.cli.importing.own_files import told
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem


class Destination:
    """The three files of one import, locked against a second one."""

    def __init__(self, output: Path, rejects: Path, source: Path) -> None:
        journal = output.with_name(f"{output.name}.journal")
        if len({path.resolve() for path in (output, rejects, journal, source)}) < 4:
            raise Problem("input, output, rejects and journal must be different files")
        self._output, self._rejects = AppendedFile(output), AppendedFile(rejects)
        self._has_committed = False
        with told():
            self.journal = JournalFile(journal)

    def earlier(self) -> Entry | None:
        """What an earlier start has left; `Problem` when the files are there and no journal is."""
        with told():
            found = self.journal.read()
        if found is None:
            self._output.require_absent()
            self._rejects.require_absent()
        return found

    def require_as_left(self, progress: Progress) -> None:
        """`Problem` when the files do not begin with what was committed, or a complete one goes on behind it."""
        for file, length, digest in (
            (self._output, progress.output_bytes, progress.output_digest),
            (self._rejects, progress.rejects_bytes, progress.rejects_digest),
        ):
            with told():
                as_left = file.is_as_left(length, digest, complete=progress.complete)
            if not as_left:
                raise Problem(
                    f"{printable(file.path)} is not as the import left it: something else has changed it. "
                    f"To begin anew, move it away and remove {printable(self.journal.path)}."
                )

    def begin(self, identity: Identity, progress: Progress) -> None:
        """Continue from there: what is behind it goes."""
        self.require_as_left(progress)
        self._identity = identity
        with told():
            self.journal.write(Entry(identity, progress))
            self._output.begin()
            self._rejects.begin()
        self._has_committed = bool(progress.output_bytes or progress.rejects_bytes)

    def commit(self, output: bytes, rejects: bytes, progress: Progress) -> Progress:
        """Appends and makes durable; answers the progress with the files' lengths and digests."""
        with told():
            self._output.append(output)
            self._rejects.append(rejects)
            done = replace(
                progress,
                output_bytes=self._output.length,
                rejects_bytes=self._rejects.length,
                output_digest=self._output.digest,
                rejects_digest=self._rejects.digest,
            )
            self.journal.write(Entry(self._identity, done))
        self._has_committed = True
        return done

    def abandon(self) -> None:
        """As long as nothing was committed there is nothing to continue: what this start has made goes again."""
        if not self._has_committed:
            for file in (self._output, self._rejects, self.journal):
                file.remove_if_new()

    def close(self) -> None:
        """And unlock."""
        for file in (self._output, self._rejects, self.journal):
            file.close()
