"""What re-wrapping and re-indexing cost, and how fast they are beside a bare loop of updates. Asserts nothing.

python -m tests.benchmarks.rotation [RECORDS ...]

Everything runs in this process on the embedded AWS, so the processor's time of a request is the emulator's and IAM's as
well as the SDK's. The bare loop sends the statement that re-wrapping sends, to the same rows, with boto3 and the same
role; it reads nothing, encrypts nothing, keeps no trail. Both take turns; medians of each.
"""

import gc
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import boto3

from phone_vault.cli import main as command
from phone_vault.local import FunctionError, LocalCloud
from phone_vault.local.calls import AwsCall
from phone_vault.local.environment import aws_settings
from tests.contract.vaults import POLICY, fill
from tests.loopback import environment_of

RECORDS = (1_000, 10_000)
TENANT = "acme"
TARGET = 0.7
SHARDS = 8
BARE_ROWS = 250
UPDATE = {
    "UpdateExpression": "SET #w = :w, #v = :v, #r = :r",
    "ConditionExpression": "#r = :read AND attribute_exists(#w)",
    "ExpressionAttributeNames": {"#w": "wrapped_key", "#v": "branch_key_version", "#r": "revision"},
}


class Passed(NamedTuple):
    """A pass over all records."""

    records: int
    a_second: float
    """Records in a second of the processor."""
    bare: float
    """The same of the bare loop."""
    calls: Sequence[AwsCall]
    """What the pass asked of AWS; the loop's requests are no function's."""


class Bench:
    """A vault that grows."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._dynamodb: Any = cloud.client("dynamodb")
        self._records = 0
        self._table = cloud.outputs["RecordKeysTable"]
        deploy_with_few_shards(cloud)

    def grow(self, records: int) -> None:
        """To so many numbers of one tenant."""
        fill(self._cloud, TENANT, records - self._records, self._records)
        self._records = records

    def begin(self, use: str) -> dict[str, Any]:
        """A new key version; the waits of its Rotation are over."""
        assert "problem" not in self._cloud.invoke("RotateKeys", {"tenant_id": TENANT, "use": use})
        run: dict[str, Any] = self._cloud.invoke("AdvanceRotation", {"step": "begin", "rotation": {"rotate": "none"}})
        self._cloud.clock.advance(seconds=run["wait_seconds"])
        return run

    def pass_over(self, run: dict[str, Any], function: str, step: str) -> "Passed":
        """All shards, and between them the bare loop."""
        self._warm(function)
        gc.collect()
        gc.freeze()  # what the emulator stores is not gone through again and again meanwhile
        before = len(self._cloud.calls)
        ours, bare = [], [self._bare()]
        for shard in run["shards"]:
            took = seconds(partial(self._work, function, {"run_id": run["run_id"], "step": step, "shard": shard}))
            ours.append(self._rows_in(shard) / took)
            bare.append(self._bare())
        return Passed(self._records, median(ours), median(bare), self._cloud.calls[before:])

    def _rows_in(self, shard: int) -> int:
        counted = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table, Select="COUNT", Segment=shard, TotalSegments=SHARDS
        )
        return sum(page["Count"] for page in counted)

    def _work(self, function: str, request: dict[str, Any]) -> None:
        while not self._cloud.invoke(function, request)["done"]:
            pass

    def _bare(self) -> float:
        """Updates in a second of the processor, by boto3 alone."""
        with aws_settings(environment_of(self._cloud, "Rewrap")):
            dynamodb: Any = boto3.client("dynamodb")
        rows = self._dynamodb.scan(TableName=self._table, Limit=BARE_ROWS)["Items"]

        def work() -> None:
            for row in rows:
                read = row["revision"]
                values = {
                    ":w": row["wrapped_key"],
                    ":v": row["branch_key_version"],
                    ":r": {"N": str(int(read["N"]) + 1)},
                    ":read": read,
                }
                dynamodb.update_item(
                    TableName=self._table,
                    Key={"record_id": row["record_id"]},
                    ExpressionAttributeValues=values,
                    **UPDATE,
                )

        return len(rows) / seconds(work)

    def _warm(self, function: str) -> None:
        """It is refused, by an instance that is there from now on."""
        with suppress(FunctionError):
            self._cloud.invoke(function, {})


def deploy_with_few_shards(cloud: LocalCloud) -> None:
    """As by the template's parameter, so that pages are full as in a large vault."""
    functions: Any = cloud.client("lambda")
    named = {"FunctionName": "phone-vault-AdvanceRotation"}
    variables = functions.get_function_configuration(**named)["Environment"]["Variables"]
    few = {name: str(value) for name, value in variables.items()} | {"SHARDS": str(SHARDS)}
    functions.update_function_configuration(**named, Environment={"Variables": few})


def seconds(work: Callable[[], None]) -> float:
    """Of this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def told(name: str, passed: Passed) -> None:
    """A line."""
    print(
        f"  {name:22}{passed.records:8,}{passed.a_second:8,.0f}{passed.bare:12,.0f}{passed.a_second / passed.bare:8.2f}"
    )


def asked(name: str, passed: Passed) -> None:
    """What a pass asked of AWS."""
    records, calls = passed.records, passed.calls
    kms = sum(call.service == "kms" for call in calls)
    operations = Counter(call.operation for call in calls if call.service == "dynamodb")
    written = operations["UpdateItem"] + operations["TransactWriteItems"]
    reads, writes = sum(call.read_units for call in calls), sum(call.write_units for call in calls)
    print(
        f"  {name:22}{records:8,}{kms:6}{written / records:10.2f}{len(calls) / records:10.2f}"
        f"{reads / records:8.2f}{writes / records:8.2f}"
    )


def measure(sizes: Sequence[int]) -> None:
    """Prints the figures."""
    with LocalCloud(POLICY) as cloud:
        bench = Bench(cloud)
        passes: list[tuple[str, Passed]] = []
        for records in sizes:
            bench.grow(records)
            passes.append(("re-wrap, all stale", bench.pass_over(bench.begin("branch"), "Rewrap", "rewrap")))
            again = {"rotate": "none", "tenant_id": TENANT}
            run = cloud.invoke("AdvanceRotation", {"step": "begin", "rotation": again})
            passes.append(("re-wrap, all current", bench.pass_over(run, "Rewrap", "rewrap")))
        passes.append(("re-index, all stale", bench.pass_over(bench.begin("index"), "Reindex", "reindex")))
        print("What a pass asks of AWS: KMS calls in all; updates and transactions, requests and units a record")
        print(f"  {'':22}{'records':>8}{'KMS':>6}{'writes':>10}{'requests':>10}{'RCU':>8}{'WCU':>8}")
        for name, passed in passes:
            asked(name, passed)
        print(f"Records in a second of one core's time, beside the bare loop between the shards; target: {TARGET}")
        print(f"  {'':22}{'records':>8}{'ours':>8}{'bare loop':>12}{'ratio':>8}")
        for name, passed in passes:
            if "stale" in name:
                told(name, passed)
        print("Cost of a Rotation of everything, by `phone-vault estimate rotation`, in US dollars")
        for power in (6, 9):
            print(f"  10^{power} records{estimated(10**power):14,.2f}")


def estimated(records: int) -> float:
    """What it would cost."""
    with redirect_stdout(io.StringIO()) as out:
        assert command(["estimate", "rotation", "--records", str(records), "--json"]) == 0
    return float(json.loads(out.getvalue())["cost_usd"]["total"])


if __name__ == "__main__":
    measure([int(each) for each in sys.argv[1:]] or RECORDS)
