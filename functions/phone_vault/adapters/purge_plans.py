"""Plans of purges in the Operations table: `plan#{id}` and its pages `plan#{id}#{0, 1, ...}`."""

from phone_vault.adapters.attribute_values import bytes_in, count_in, text_in
from phone_vault.adapters.operations import OPERATION_IS_NEW
from phone_vault.adapters.rows import reading
from phone_vault.adapters.tables import ConditionsFailed, TableNames, Tables, contended
from phone_vault.domain import moments
from phone_vault.domain.purge_ports import SealedText

IS_THE_ONE_READ = "revision = :revision_read"
IS_OF_NO_LATER_CALL = f"{OPERATION_IS_NEW} OR revision <= :revision"
"""A page that a call has written which went on with the plan later stays."""


class DynamoPlanStore:
    """Text and seal: what they mean, and whether the seal is right, is not this table's to say."""

    def __init__(self, tables: Tables, names: TableNames) -> None:
        self._tables = tables
        self._table = names.operations

    def read(self, name: str) -> SealedText | None:
        """By GetItem."""
        row = self._tables.get(self._table, {"operation_id": name})
        if row is None:
            return None
        with reading("a plan"):
            expires_at = moments.from_epoch(count_in(row["expires_ttl"]))
            return SealedText(text_in(row["content"]), bytes_in(row["seal"]), expires_at)

    def write(self, name: str, row: SealedText, revision: int) -> None:
        """By PutItem."""
        if revision == 0:
            self._put(name, row, 1, OPERATION_IS_NEW, {})
        else:
            self._put(name, row, revision + 1, IS_THE_ONE_READ, {":revision_read": revision})

    def write_page(self, name: str, row: SealedText, revision: int) -> None:
        """By PutItem."""
        self._put(name, row, revision, IS_OF_NO_LATER_CALL, {":revision": revision})

    def _put(self, name: str, row: SealedText, revision: int, condition: str, values: dict[str, int]) -> None:
        item = {
            "operation_id": name,
            "content": row.text,
            "seal": row.seal,
            "revision": revision,
            "expires_ttl": int(row.expires_at.timestamp()),
        }
        try:
            self._tables.put(self._table, item, condition, values)
        except ConditionsFailed as failed:
            # When the answer to a put is lost the SDK puts again, and meets its own row.
            if failed.rows[0] != item:
                raise contended() from None
