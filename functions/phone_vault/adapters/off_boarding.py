"""Off-boardings in the Operations table: `offboard#{tenant}`."""

from phone_vault.adapters.attribute_values import bytes_in, count_in, text_in
from phone_vault.adapters.operations import OPERATION_IS_NEW
from phone_vault.adapters.rows import reading
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables
from phone_vault.domain.ports import Contended
from phone_vault.domain.receipt_ports import SealedOffBoarding

UNCHANGED_SINCE_READ = "revision = :expected_revision"


class DynamoOffBoardingStore:
    """Text and seal: what they mean, and whether the seal is right, is not this table's to say."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.operations

    def read(self, tenant_id: str) -> SealedOffBoarding | None:
        """By BatchGetItem, strongly consistent."""
        rows = self._tables.batch_get([(self._table, _key(tenant_id))])
        if not rows:
            return None
        with reading("a row of an off-boarding"):
            row = rows[0][1]
            return SealedOffBoarding(text_in(row["content"]), bytes_in(row["seal"]), count_in(row["revision"]))

    def write(self, tenant_id: str, row: SealedOffBoarding) -> None:
        """One conditional put."""
        before = row.revision - 1
        condition = UNCHANGED_SINCE_READ if before else OPERATION_IS_NEW
        values = {":expected_revision": before} if before else None
        item = {**_key(tenant_id), "content": row.text, "seal": row.seal, "revision": row.revision}
        try:
            self._tables.put(self._table, item, condition, values)
        except ConditionsFailed:
            raise Contended("another call has gone on with the off-boarding") from None


def _key(tenant_id: str) -> dict[str, str]:
    return {"operation_id": f"offboard#{tenant_id}"}
