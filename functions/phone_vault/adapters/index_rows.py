"""Entries of the blind index as rows of LookupIndex."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import text_in
from phone_vault.adapters.rows import index_version_of, reading, tenant_of
from phone_vault.crypto.macs import as_text
from phone_vault.domain.job_ports import CountedEntry, SweptEntry

INDEX_ENTRY_KEY = ("index_position", "subject_ref")
IS_FREE_OR_OWN = "attribute_not_exists(index_position) OR #token = :token"
"""No entry stands in the place, or the record's own."""


def owned_by(token: str) -> dict[str, Any]:
    """The names and values of that condition."""
    return {"names": {"#token": "token"}, "values": {":token": token}}


def index_position(tenant_id: str, version: int, blind_index: bytes) -> str:
    """The partition key: all entries of one number."""
    return f"{tenant_id}#{version}#{as_text(blind_index)}"


def index_entry_key(tenant_id: str, version: int, blind_index: bytes, subject_ref: str) -> dict[str, str]:
    """The whole key: of a subject and a number there is one entry."""
    return {"index_position": index_position(tenant_id, version, blind_index), "subject_ref": subject_ref}


def token_in(row: Mapping[str, Any]) -> str:
    """Whose entry it is; `TamperedStore` where that does not read."""
    with reading("a row of LookupIndex"):
        return text_in(row["token"])


def counted_entry_of(row: Mapping[str, Any]) -> CountedEntry:
    """Whose it is and of which version, as its key has it."""
    with reading("a row of LookupIndex"):
        tenant_id, version, _ = row["index_position"].split("#")
        return CountedEntry(tenant_of(tenant_id), index_version_of(version))


def swept_entry_of(row: Mapping[str, Any]) -> SweptEntry:
    """The same, and the key."""
    tenant_id, version = counted_entry_of(row)
    return SweptEntry(tenant_id, version, {name: row[name] for name in INDEX_ENTRY_KEY})
