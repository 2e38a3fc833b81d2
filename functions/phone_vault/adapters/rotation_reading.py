"""Runs, how far they have come, and censuses, as an operator reads them from Operations."""

from collections.abc import Iterable
from typing import Any

from phone_vault.adapters.operations_reading import OperationsReading
from phone_vault.adapters.runs import LATEST_RUN, census_id, census_of, progress_id, progress_of, run_of
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.rotation import Census, Progress, Run, Step


class RotationReading:
    """`CannotAsk` where DynamoDB does not answer."""

    def __init__(self, dynamodb: Any, operations: str) -> None:
        self._operations = OperationsReading(dynamodb, operations)

    def latest(self) -> Run | None:
        """The Rotation that was begun last."""
        row = self._operations.rows([LATEST_RUN]).get(LATEST_RUN)
        return None if row is None else run_of(row)

    def progress(self, run: Run) -> list[Progress]:
        """Of every step and shard of it that was begun."""
        places = {progress_id(run.run_id, step, shard): (step, shard) for step in Step for shard in range(run.shards)}
        return [
            progress_of(row, run.run_id, *places[name]) for name, row in self._operations.rows(list(places)).items()
        ]

    def censuses(self, tenant_ids: Iterable[str]) -> dict[str, Census]:
        """The last one of each tenant that has one; those that do not read are left out."""
        owners = {census_id(tenant_id): tenant_id for tenant_id in tenant_ids}
        found = {}
        for name, row in self._operations.rows(list(owners)).items():
            try:
                found[owners[name]] = census_of(row, owners[name])
            except TamperedStore:
                continue
        return found
