"""What an estimate is about: the vault as it stands, or one that is only supposed."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from phone_vault.cli.console import Console
from phone_vault.cli.meter import Measured, meter
from phone_vault.cli.policy import file
from phone_vault.cli.problem import Problem
from phone_vault.cli.rotating.order import NewKeys, Order, Use
from phone_vault.cli.stack import Vault
from phone_vault.domain.inventory import KeyVersion, RingRow
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.policy import VaultPolicy
from phone_vault.services.estimate.measures import Machinery, RowSizes
from phone_vault.services.estimate.outlook import Outlook, Wanted, outlooks_of
from phone_vault.services.estimate.rotation import Reckoned, RotationReckoning
from phone_vault.services.estimate.supposed import supposed

if TYPE_CHECKING:
    from phone_vault.adapters.table_sizes import TableSize

_WORTH_TELLING = 5_000
"""Rows: fewer are counted before a reader wonders."""
SHARDS_AT_ONCE = 32
"""MaxConcurrency of the state machine's maps; a test holds it to the definition."""
_EXAMPLE_RECORD_BYTES = 760.0
_EXAMPLE_SIZES = {"message": 364.0, "index_entry": 152.0, "key_ring_row": 290.0}
"""For a vault that holds nothing yet: as one with short subject ids and one purpose a number has them."""


@dataclass(frozen=True, slots=True)
class Supposition:
    """A vault that is not there."""

    records: int
    tenants: int
    shards: int | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the vault's rows; `record`: bytes of one of RecordKeys."""

    rows: RowSizes
    record: float


def wanted_by(order: Order) -> Wanted:
    """The same in the words of the estimate."""
    is_kms = order.use is Use.KMS
    return Wanted(
        makes_keys=order.new_keys is not NewKeys.NONE and not is_kms,
        use=KeyUse(order.use) if order.use and not is_kms else None,
        tenant_id=order.tenant_id,
        is_compromised=order.is_compromised,
        re_encrypts=order.re_encrypts,
        rotates_kms_keys=is_kms,
    )


def sizes_of(dynamodb: Any, outputs: Mapping[str, str]) -> Sizes:
    """On average, as DynamoDB has last looked."""
    from phone_vault.adapters.reckoned_rows import ADDED_MOMENT_BYTES, ADDED_POSITION_BYTES
    from phone_vault.adapters.table_sizes import table_size

    def mean(table: str, example: float) -> float:
        size = table_size(dynamodb, outputs[table])
        return size.size_bytes / size.items if size.items else example

    rows = RowSizes(
        message=mean("NumbersTable", _EXAMPLE_SIZES["message"]),
        index_entry=mean("LookupIndexTable", _EXAMPLE_SIZES["index_entry"]),
        key_ring_row=mean("KeyRingTable", _EXAMPLE_SIZES["key_ring_row"]),
        added_position=ADDED_POSITION_BYTES,
        added_moment=ADDED_MOMENT_BYTES,
    )
    return Sizes(rows, mean("RecordKeysTable", _EXAMPLE_RECORD_BYTES))


def _nobody(line: str) -> None:
    del line


def _is_served(outlooks: Mapping[str, Outlook], tenant_id: str) -> bool:
    found = outlooks.get(tenant_id)
    return found is not None and found.is_served


class Subject:
    """One vault."""

    def __init__(self, vault: Vault, console: Console) -> None:
        self._vault = vault
        self._console = console
        self._dynamodb = vault.client("dynamodb")
        self.policy: VaultPolicy = file.read(vault.policy_file)

    def machinery(self, shards: int | None = None) -> Machinery:
        """The workers' own constants, and the stack's number of shards."""
        from phone_vault.adapters.shard_scans import PAGE_ROWS
        from phone_vault.adapters.tables import KEYS_PER_BATCH_READ
        from phone_vault.services.reindex import POSITIONS_AT_ONCE
        from phone_vault.services.shard_worker import ENOUGH_FOR_A_CALL, PAGES_PER_CALL

        number = shards or int(self._vault.parameters["RotationShards"])
        return Machinery(
            shards=number,
            page_rows=PAGE_ROWS,
            pages_per_call=PAGES_PER_CALL,
            calls_a_key=ceil(self.policy.branch_key_cache_seconds / ENOUGH_FOR_A_CALL.total_seconds()),
            positions_at_once=POSITIONS_AT_ONCE,
            keys_a_read=KEYS_PER_BATCH_READ,
            shards_at_once=min(number, SHARDS_AT_ONCE),
        )

    @property
    def memory_gigabytes(self) -> float:
        """Of each function."""
        return int(self._vault.parameters["MemorySize"]) / 1024

    def as_it_stands(self, wanted: Wanted) -> Reckoned:
        """By one pass over the vault's tables."""
        from phone_vault.adapters.clock import SystemClock
        from phone_vault.adapters.inventory import Inventory
        from phone_vault.adapters.reckoned_rows import ReckonedRows

        outputs, machinery, sizes = self._vault.outputs, self.machinery(), self._sizes()
        inventory = Inventory(self._dynamodb, record_keys=outputs["RecordKeysTable"], key_ring=outputs["KeyRingTable"])
        ring = list(inventory.key_versions())
        outlooks = outlooks_of(ring, self.policy, self._kek_arn(ring), wanted, SystemClock().now())
        if wanted.tenant_id is not None and not _is_served(outlooks, wanted.tenant_id):
            raise Problem(f"there is no tenant {wanted.tenant_id}")
        rows = ReckonedRows(
            self._dynamodb,
            record_keys=outputs["RecordKeysTable"],
            lookup_index=outputs["LookupIndexTable"],
            shards=machinery.shards,
        )
        versions = {
            row.key_id.version for row in ring if isinstance(row, KeyVersion) and row.key_id.use is KeyUse.INDEX
        }
        reckoning = RotationReckoning(outlooks, wanted, machinery, sizes.rows)
        tell = self._console.say if self._rows_of("RecordKeysTable").items > _WORTH_TELLING else _nobody
        with meter(Measured("counting", machinery.shards, 0, "shards"), tell) as shown:
            for number, pages in enumerate(rows.shards(versions), 1):
                for page in pages:
                    reckoning.read(page)
                reckoning.end_shard()
                shown.show(number)
        return reckoning.reckoned(rows.entries(), sizes.record)

    def supposed(self, supposition: Supposition, wanted: Wanted) -> Reckoned:
        """With rows as large as the vault's are."""
        sizes = self._sizes()
        return supposed(
            supposition.records,
            supposition.tenants,
            self.policy,
            wanted,
            self.machinery(supposition.shards),
            sizes.rows,
            sizes.record,
        )

    def _sizes(self) -> Sizes:
        return sizes_of(self._dynamodb, self._vault.outputs)

    def _rows_of(self, table: str) -> "TableSize":
        from phone_vault.adapters.table_sizes import table_size

        return table_size(self._dynamodb, self._vault.outputs[table])

    def _kek_arn(self, ring: list[RingRow | None]) -> str:
        """As rows name it; the stack tells the key's id alone."""
        kek_id = self._vault.outputs["KekId"]
        named = (row.kms_key for row in ring if isinstance(row, KeyVersion))
        return next((kms_key for kms_key in named if kms_key.endswith(f"/{kek_id}")), kek_id)
