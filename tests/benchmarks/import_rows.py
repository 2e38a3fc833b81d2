"""How many rows a second `phone-vault import` takes on the embedded AWS, and in how much memory. Asserts nothing.

python -m tests.benchmarks.import_rows [--rows 100000]
"""

import argparse
import io
import json
import resource
import time
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from phone_vault.cli import main
from phone_vault.cli.importing.batch import in_batches
from phone_vault.cli.importing.csv_format import CsvFormat
from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.journal import Progress
from phone_vault.cli.importing.source import opened
from phone_vault.local import LocalCloud
from tests.import_rows import COLUMNS, write_csv

FIELDS = Fields("number", "customer", "country", None, None, None, ("account_security",), None, None, ())


def measure(rows: int) -> None:
    """Prints the figures."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        write_csv(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.1f} MB")
        _read(path, rows)
        with LocalCloud():
            processor, clock = time.process_time(), time.perf_counter()
            with redirect_stdout(io.StringIO()) as out:
                exit_code = main(["import", str(path), *COLUMNS, "--json"])
            processor, clock = time.process_time() - processor, time.perf_counter() - clock
        report = json.loads(out.getvalue())
        print(f"import, exit code {exit_code}: {report['created']:,} created, {report['rejected']:,} rejected")
        print(f"  {rows / clock:,.0f} rows a second, {rows / processor:,.0f} a second of one core's time")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {peak:,.0f} MB at most, the embedded AWS and all that it stores and logs included")


def _read(path: Path, rows: int) -> None:
    """The command's own part without the vault."""
    processor = time.process_time()
    with opened(path, "utf-8") as source:
        file_format = CsvFormat(source, "utf-8", ",", FIELDS)
        start = Progress(len(file_format.preamble), file_format.first_line)
        read = sum(len(batch.rows) for batch in in_batches(file_format, start, 100))
    processor = time.process_time() - processor
    assert read == rows
    print(f"reading alone: {rows / processor:,.0f} rows a second")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    measure(parser.parse_args().rows)
