"""The AuditTrail table."""

from collections.abc import Sequence
from typing import Any

from phone_vault.adapters.tables import ConditionsFailed, Tables, put
from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import StoreUnavailable

PLACE_IS_FREE = "attribute_not_exists(chain)"


class DynamoAuditLog:
    """Entries on DynamoDB; one that exists is never overwritten."""

    def __init__(self, tables: Tables, table: str) -> None:
        self._tables = tables
        self._table = table

    def append(self, entries: Sequence[Entry]) -> None:
        """One put for one entry (half a transaction's price), one transaction for more."""
        try:
            if len(entries) == 1:
                self._tables.put(self._table, _row(entries[0]), PLACE_IS_FREE)
            else:
                self._tables.transact([entry_put(self._table, entry) for entry in entries])
        except ConditionsFailed as failed:
            # When the answer to a put is lost the SDK puts again, and meets its own row. Transactions have a token.
            if len(entries) == 1 and failed.rows[0] == _row(entries[0]):
                return
            raise StoreUnavailable("a place in the audit trail is taken") from None


def entry_put(table: str, entry: Entry) -> dict[str, Any]:
    """The entry as part of the transaction of what it describes."""
    return put(table, _row(entry), PLACE_IS_FREE)


def _row(entry: Entry) -> dict[str, Any]:
    about = {} if entry.about is None else {"about": entry.about}  # the index over it is sparse
    return {
        "chain": entry.chain,
        "sequence": entry.sequence,
        "at": entry.at,
        "entry": entry.text,
        "mac": entry.mac,
        **about,
    }
