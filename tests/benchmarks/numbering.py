"""Parsing, validity and facts against the library as it comes, in two processes asked in turn. Asserts nothing.

python -m tests.benchmarks.numbering [ROUNDS]
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROUNDS = 15
FUNCTIONS = Path(__file__).parents[2] / "functions"

# One worker per library: reads the name of an input, answers what it cost, in nanoseconds a number.
WORKER = """
import random, resource, sys, time
if sys.argv[1] == "vault":
    import phone_vault.domain.numbering
import phonenumbers as library

def examples(regions):
    found = [library.example_number_for_type(r, t) for r in regions for t in library.PhoneNumberType.values()]
    return [number for number in found if number is not None]

inputs = {"worldwide": examples(sorted(library.SUPPORTED_REGIONS)), "one country": examples(["GB"]) * 100}
for numbers in inputs.values():
    random.Random(1).shuffle(numbers)
texts = {
    name: [library.format_number(n, library.PhoneNumberFormat.E164) for n in numbers]
    for name, numbers in inputs.items()
}
works = {
    "is_valid_number": (library.is_valid_number, inputs),
    "parse": (library.parse, texts),
    "parse, validity, region, type": (
        lambda text: (
            library.is_valid_number(n := library.parse(text)),
            library.region_code_for_number(n),
            library.number_type(n),
        ),
        texts,
    ),
}
for line in sys.stdin:
    work, name = line.rstrip().split("|")
    if work == "memory":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
        continue
    do, given = works[work]
    started = time.perf_counter_ns()
    for item in given[name]:
        do(item)
    print((time.perf_counter_ns() - started) / len(given[name]), flush=True)
"""
WORKS = ("is_valid_number", "parse", "parse, validity, region, type")
INPUTS = ("worldwide", "one country")


class Worker:
    """A process that has the library as it comes, or as the vault sets it up."""

    def __init__(self, kind: str) -> None:
        path = os.pathsep.join([str(FUNCTIONS), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def ask(self, work: str, given: str) -> float:
        """Microseconds a number, or for `memory` kilobytes at the peak."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{work}|{given}\n")
        self._process.stdin.flush()
        answer = float(self._process.stdout.readline())
        return answer if work == "memory" else answer / 1000

    def close(self) -> None:
        self._process.communicate()


def main(rounds: int) -> None:
    stock, vault = Worker("stock"), Worker("vault")
    print(f"{'us a number, median of ' + str(rounds):40}{'stock':>10}{'vault':>10}{'ratio':>8}")
    for work in WORKS:
        for given in INPUTS:
            for worker in (stock, vault):
                worker.ask(work, given)  # compiles, loads the plans
            pairs = [(stock.ask(work, given), vault.ask(work, given)) for _ in range(rounds)]
            slow, fast = (median(side) for side in zip(*pairs, strict=True))
            print(f"{work + ', ' + given:40}{slow:10.1f}{fast:10.1f}{slow / fast:8.1f}")
    peaks = [worker.ask("memory", "") / 1024 for worker in (stock, vault)]
    print(f"{'peak memory, MB':40}{peaks[0]:10.1f}{peaks[1]:10.1f}")
    for worker in (stock, vault):
        worker.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
