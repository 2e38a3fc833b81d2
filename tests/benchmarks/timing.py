"""Whether the time of an answer tells what it should not: distributions, and how far they differ. Asserts nothing.

python -m tests.benchmarks.timing [SAMPLES]

The functions run in this process on the embedded AWS, so the network and the services of AWS are left out: what is
compared is the functions' own work and the number and size of their requests. Samples of both cases are taken in turn,
after a warm-up. Each case is compared with itself too, every other sample with the ones between: the noise floor.
"""

import gc
import sys
import time
from collections.abc import Callable, Sequence
from statistics import NormalDist, median, quantiles
from typing import NamedTuple

from phone_vault.local import LocalCloud

SAMPLES = 1500
WARM_UP = 50
SAMPLES_A_TOKEN = 15
"""Fewer than the mismatches that Verify answers on one token in an hour."""
NUMBER, OTHER = "+44 7400 123456", "+1 201-555-0123"
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Comparison(NamedTuple):
    """Of two samples, in microseconds."""

    apart: float
    """Median less median."""
    likelihood: float
    """That one taken from the first is shorter than one of the second; 0.5 when they do not differ."""
    p_value: float
    """Of a Mann-Whitney U test, two-sided, by its normal approximation."""


def compared(one: Sequence[float], other: Sequence[float]) -> Comparison:
    """Source: Mann and Whitney, 1947; ties share their ranks, too few here to correct the variance for them."""
    ranked = sorted((value, side) for side, values in enumerate((one, other)) for value in values)
    ranks: dict[float, float] = {}
    start = 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        ranks[ranked[start][0]] = (start + 1 + end) / 2
        start = end
    pairs = len(one) * len(other)
    u = sum(ranks[value] for value in other) - len(other) * (len(other) + 1) / 2
    deviation = (pairs * (len(one) + len(other) + 1) / 12) ** 0.5
    p_value = 2 * (1 - NormalDist().cdf(abs(u - pairs / 2) / deviation))
    return Comparison(median(other) - median(one), u / pairs, p_value)


def sampled(samples: int, cases: Sequence[Callable[[int], object]]) -> list[list[float]]:
    """Microseconds of each case, called in turn with the sample's number."""
    times: list[list[float]] = [[] for _ in cases]
    for number in range(-WARM_UP, samples):
        # Whoever comes second in a pair always would have it warmer.
        for at in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter_ns()
            cases[at](number)
            taken = (time.perf_counter_ns() - started) / 1000
            if number >= 0:
                times[at].append(taken)
    return times


def report(name: str, cases: dict[str, list[float]]) -> None:
    """Both distributions, the test of their difference, and the same test of what cannot differ."""
    print(name)
    for case, values in cases.items():
        print(f"  {case:30}median {median(values):8.0f} us   p90 {quantiles(values, n=10)[-1]:8.0f} us")
    one, other = cases.values()
    pairs = {
        "one against the other": (one, other),
        **{f"{case} against itself": (values[::2], values[1::2]) for case, values in cases.items()},
    }
    for pair, (left, right) in pairs.items():
        found = compared(left, right)
        print(f"  {pair:42}{found.apart:+7.0f} us   P(shorter) {found.likelihood:.3f}   p {found.p_value:.3f}")


def stored(cloud: LocalCloud, tenant: str, number: int) -> str:
    """The token of a number; each subject has it under one of its own."""
    subject = {"tenant_id": tenant, "subject_id": f"s-{number}"}
    return str(cloud.invoke("Protect", {**subject, "number": NUMBER, "purposes": {"account_security": {}}})["token"])


def main(samples: int) -> None:
    with LocalCloud() as cloud:
        count = (samples + WARM_UP) // SAMPLES_A_TOKEN + 1
        tokens, foreign = ([stored(cloud, tenant, at) for at in range(count)] for tenant in ("own", "other"))
        unknown = [each[:-1] + ALPHABET[(ALPHABET.index(each[-1]) + 1) % len(ALPHABET)] for each in tokens]

        def verify(number: str) -> Callable[[int], object]:
            common = {"tenant_id": "own", "purpose": "account_security", "number": number}
            return lambda at: cloud.invoke("Verify", {**common, "token": tokens[at % count]})

        def reveal(of: Sequence[str]) -> Callable[[int], object]:
            common = {"tenant_id": "own", "purpose": "account_security"}
            return lambda at: cloud.invoke("Reveal", {**common, "token": of[at % count]})

        gc.collect()
        gc.freeze()  # what is there already is not gone through again and again meanwhile
        print(f"{samples} samples of each case, in turn")
        match, mismatch = sampled(samples, [verify(NUMBER), verify(OTHER)])
        report("Verify", {"match": match, "mismatch": mismatch})
        nowhere, elsewhere = sampled(samples, [reveal(unknown), reveal(foreign)])
        report("Reveal", {"a token that nobody has": nowhere, "a token of another tenant": elsewhere})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)
