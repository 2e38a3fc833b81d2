"""Runs, how far they have come, and censuses, as an operator reads them from Operations."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from phone_vault.adapters.attribute_values import deserialized
from phone_vault.adapters.operator_access import CannotAsk, asking
from phone_vault.adapters.runs import LATEST_RUN, census_id, census_of, progress_id, progress_of, run_of
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.rotation import Census, Progress, Run, Step

_KEYS_A_REQUEST = 100
_ATTEMPTS = 8
_PAUSE_SECONDS = 0.1


class RotationReading:
    """By BatchGetItem, at half the price of strong consistency. `CannotAsk` where DynamoDB does not answer."""

    def __init__(self, dynamodb: Any, operations: str) -> None:
        self._dynamodb = dynamodb
        self._table = operations

    def latest(self) -> Run | None:
        """The Rotation that was begun last."""
        row = self._rows([LATEST_RUN]).get(LATEST_RUN)
        return None if row is None else run_of(row)

    def progress(self, run: Run) -> list[Progress]:
        """Of every step and shard of it that was begun."""
        places = {progress_id(run.run_id, step, shard): (step, shard) for step in Step for shard in range(run.shards)}
        return [progress_of(row, run.run_id, *places[name]) for name, row in self._rows(list(places)).items()]

    def censuses(self, tenant_ids: Iterable[str]) -> dict[str, Census]:
        """The last one of each tenant that has one; those that do not read are left out."""
        owners = {census_id(tenant_id): tenant_id for tenant_id in tenant_ids}
        found = {}
        for name, row in self._rows(list(owners)).items():
            try:
                found[owners[name]] = census_of(row, owners[name])
            except TamperedStore:
                continue
        return found

    def _rows(self, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """By name, in the order of the names."""
        found: dict[str, Mapping[str, Any]] = {}
        for at in range(0, len(names), _KEYS_A_REQUEST):
            keys = [{"operation_id": {"S": name}} for name in names[at : at + _KEYS_A_REQUEST]]
            found |= {row["operation_id"]: row for row in self._batch(keys)}
        return {name: found[name] for name in names if name in found}

    def _batch(self, keys: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        pending: Any = {self._table: {"Keys": keys}}
        found = []
        for attempt in range(_ATTEMPTS):
            with asking(f"the table {self._table}"):
                answer = self._dynamodb.batch_get_item(RequestItems=pending)
            found += [deserialized(item) for item in answer["Responses"].get(self._table, ())]
            pending = answer["UnprocessedKeys"]
            if not pending:
                return found
            time.sleep(_PAUSE_SECONDS * 2**attempt)
        raise CannotAsk(f"the table {self._table} cannot be read: DynamoDB leaves part of a request undone")
