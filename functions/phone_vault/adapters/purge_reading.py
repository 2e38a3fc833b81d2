"""Runs of purges and how far they have come, and leaves of receipts, as an operator reads them from Operations."""

from collections.abc import Sequence
from typing import Any

from phone_vault.adapters.operations_reading import OperationsReading
from phone_vault.adapters.purge_runs import page_name, progress_of, run_name, run_of
from phone_vault.adapters.receipts import leaves_in, leaves_name
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.purge_run import PageProgress, PurgeRun
from phone_vault.domain.receipts import SaltedToken

_WITHOUT_LEAVES = ("state", "counts", "by_purpose", "left_from", "revision")


class PurgeReading:
    """`CannotAsk` where DynamoDB does not answer."""

    def __init__(self, dynamodb: Any, operations: str) -> None:
        self._operations = OperationsReading(dynamodb, operations)

    def run(self, scope: str) -> PurgeRun | None:
        """The last one of this scope."""
        name = run_name(scope)
        row = self._operations.rows([name]).get(name)
        return None if row is None else run_of(scope, row)

    def pages(self, run_id: str, numbers: Sequence[int]) -> list[PageProgress]:
        """What became of these pages, in their order, without the leaves; as it begins of one that nobody has begun."""
        names = {number: page_name(run_id, number) for number in numbers}
        rows = self._operations.rows(list(names.values()), _WITHOUT_LEAVES)
        return [
            progress_of(run_id, number, rows[name]) if name in rows else PageProgress(run_id, number)
            for number, name in names.items()
        ]

    def leaves(self, under: str, row: int) -> list[SaltedToken]:
        """A row of them; `TamperedStore` for what the vault does not write."""
        name = leaves_name(under, row)
        rows = self._operations.rows([name])
        if name not in rows:
            raise TamperedStore("a receipt lacks leaves")
        return leaves_in(rows[name])
