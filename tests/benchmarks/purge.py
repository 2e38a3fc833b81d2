"""How long a purge of many due numbers takes this process, without DynamoDB, and how much memory. Asserts nothing.

python -m tests.benchmarks.purge [--most 100000]
"""

import argparse

from tests.many_due import purged, world_of


def measure(most: int) -> None:
    """Prints the figures for some vaults, each larger than the one before."""
    print("numbers due   µs each   calls each   most memory of a call")
    for due in (most // 100, most // 10, most):
        taken = purged(*world_of(due))
        held = purged(*world_of(due), measuring=True).most_bytes
        assert taken.output["purged"] == due
        each = sum(taken.calls.values()) / due
        print(f"{due:11,}   {taken.seconds / due * 1e6:7.0f}   {each:10.2f}   {held / 1e6:18.2f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=100_000)
    measure(parser.parse_args().most)
