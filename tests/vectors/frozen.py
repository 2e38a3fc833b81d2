"""Sets of frozen rows and messages, and today's code over them: real tables, and KMS as far as a file replaces it."""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from phone_vault.adapters.audit_log import DynamoAuditLog
from phone_vault.adapters.counters import DynamoCounterStore
from phone_vault.adapters.indexed_records import DynamoIndexedRecords
from phone_vault.adapters.key_ring import DynamoKeyRingStore
from phone_vault.adapters.numbers import DynamoNumberStore
from phone_vault.adapters.runs import DynamoRunStore
from phone_vault.adapters.tables import TableNames, Tables
from phone_vault.adapters.wrapped_records import DynamoWrappedRecords
from phone_vault.domain import moments
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import UNWRAPPING, KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.policy_file import parse
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.decrypt import Decrypt
from phone_vault.services.job import Desk
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.lookup import Lookup
from phone_vault.services.operation import Operation
from phone_vault.services.protect import Protect
from phone_vault.services.quotas import Quotas
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.reindex import Reindex
from phone_vault.services.reindexing import Reindexing
from phone_vault.services.reveal import Reveal
from phone_vault.services.rewrap import Rewrap
from phone_vault.services.rewrapping import Rewrapping
from phone_vault.services.tally import Tally
from phone_vault.services.verify import Verify
from tests.fakes import ManualClock
from tests.unit.adapters.record_tables import RecordTables

HERE = Path(__file__).parent
MANIFEST = HERE / "manifest.json"
TABLES = ("key_ring", "record_keys", "lookup_index", "subjects", "numbers", "audit_trail", "operations")
TABLE_KEYS = {
    "key_ring": ("tenant_id", "key_version"),
    "record_keys": ("record_id",),
    "lookup_index": ("index_position", "subject_ref"),
    "subjects": ("subject", "member"),
    "numbers": ("record_id",),
    "audit_trail": ("chain", "sequence"),
    "operations": ("operation_id",),
}
FUNCTIONS: Mapping[str, type[Operation[Any]]] = {each.name: each for each in (Protect, Reveal, Lookup, Verify, Decrypt)}
CALLER = direct_caller(None)
_MOST_REQUESTS = 25
"""Of a BatchWriteItem."""


def sets() -> list[str]:
    """The names of all sets, the oldest first."""
    return sorted((each.name for each in HERE.iterdir() if (each / "expected.json").exists()), key=int)


@cache
def content(name: str, file: str) -> Any:
    """One file of a set."""
    return json.loads((HERE / name / f"{file}.json").read_text(encoding="utf-8"))


def in_base64(value: Any) -> Any:
    """An item in DynamoDB's typed form as JSON can hold it, like the AWS CLI's."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: in_base64(each) for name, each in value.items()}
    return [in_base64(each) for each in value] if isinstance(value, list) else value


def from_base64(value: Any) -> Any:
    """And back."""
    if isinstance(value, dict):
        is_bytes = value.keys() == {"B"}
        return {
            name: base64.b64decode(each, validate=True) if is_bytes else from_base64(each)
            for name, each in value.items()
        }
    return [from_base64(each) for each in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Sealed:
    """What a KMS ciphertext is of."""

    kms_key: str
    context: Mapping[str, str]
    plaintext: bytes


class FrozenKms:
    """KMS that opens the ciphertexts of a set by its file of test keys, and makes new ones of its own."""

    def __init__(self, kms_keys: Mapping[str, str]) -> None:
        self._kms_keys = kms_keys
        self.sealed: dict[bytes, Sealed] = {}

    @classmethod
    def of(cls, name: str) -> "FrozenKms":
        """That of a set."""
        keys = content(name, "test_keys")
        kms = cls(keys["kms_keys"])
        for each in keys["ciphertexts"]:
            sealed = Sealed(each["kms_key"], each["context"], base64.b64decode(each["plaintext"]))
            kms.sealed[base64.b64decode(each["ciphertext"])] = sealed
        return kms

    def as_json(self) -> dict[str, Any]:
        """The file of test keys."""
        return {
            "note": "Test keys: made for these vectors, in the clear, and never used for anything else.",
            "kms_keys": dict(self._kms_keys),
            "ciphertexts": [
                in_base64({**vars(sealed), "ciphertext": blob, "context": dict(sealed.context)})
                for blob, sealed in self.sealed.items()
            ],
        }

    def kms_key_of(self, tenant_id: str) -> str:
        """The Kek, unless the tenant has its own."""
        return self._kms_keys.get(f"tenant {tenant_id}", self._kms_keys["Kek"])

    def kms_key_for(self, key_id: KeyId) -> str:
        """The Storage key for audit keys."""
        return self._kms_keys["Storage"] if key_id.use is KeyUse.AUDIT else self.kms_key_of(key_id.tenant_id)

    def wrap(self, key_id: KeyId, plaintext: bytes) -> tuple[bytes, str]:
        """Encrypt."""
        return self._encrypt(self.kms_key_for(key_id), key_id.encryption_context, plaintext)

    def unwrap(self, key: WrappedKey) -> bytes:
        """Decrypt."""
        return self._decrypt(key.kms_key, key.key_id.encryption_context, key.wrapped)

    def rewrap(self, key: WrappedKey) -> tuple[bytes, str]:
        """ReEncrypt."""
        return self.wrap(key.key_id, self.unwrap(key))

    def wrap_record_key(self, tenant_id: str, name: str, plaintext: bytes) -> tuple[bytes, str]:
        """Encrypt."""
        return self._encrypt(self.kms_key_of(tenant_id), {"tenant": tenant_id, "token": name}, plaintext)

    def unwrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> bytes:
        """Decrypt."""
        return self._decrypt(kms_key, {"tenant": tenant_id, "token": name}, wrapped)

    def rewrap_record_key(self, tenant_id: str, name: str, wrapped: bytes, kms_key: str | None) -> tuple[bytes, str]:
        """ReEncrypt."""
        return self.wrap_record_key(tenant_id, name, self.unwrap_record_key(tenant_id, name, wrapped, kms_key))

    def _encrypt(self, kms_key: str, context: Mapping[str, str], plaintext: bytes) -> tuple[bytes, str]:
        blob = os.urandom(64)
        self.sealed[blob] = Sealed(kms_key, {name: str(value) for name, value in context.items()}, plaintext)
        return blob, kms_key

    def _decrypt(self, kms_key: str | None, context: Mapping[str, str], blob: bytes) -> bytes:
        sealed = self.sealed.get(blob)
        if sealed is None or sealed.context != context or kms_key not in (None, sealed.kms_key):
            raise TamperedStore("a wrapped key is not what was written")
        return sealed.plaintext


class FrozenVault:
    """A set's rows in the tables of an embedded AWS, and today's functions and jobs over them."""

    def __init__(self, vault: RecordTables, kms: FrozenKms, policy: Mapping[str, Any], now: str) -> None:
        self._dynamodb = vault.client
        self.names: TableNames = vault.names
        self.tables = Tables(vault.client)
        self.kms = kms
        self.policy = parse(policy)
        self.clock = ManualClock(moments.from_text(now))
        self.key_ring_store = DynamoKeyRingStore(self.tables, self.names)
        self.numbers = DynamoNumberStore(self.tables, self.names)
        self.runs = DynamoRunStore(self.tables, self.names)
        self.log = DynamoAuditLog(self.tables, self.names.audit_trail)

    @classmethod
    def of(cls, name: str, vault: RecordTables) -> "FrozenVault":
        """That of a set, and nothing else in its tables."""
        expected = content(name, "expected")
        frozen = cls(vault, FrozenKms.of(name), expected["policy"], expected["now"])
        frozen.empty()
        for table in TABLES:
            frozen._write(table, [{"PutRequest": {"Item": from_base64(item)}} for item in content(name, table)])
        return frozen

    def items(self, table: str) -> list[dict[str, Any]]:
        """A table's rows in DynamoDB's typed form, by their keys."""
        name = getattr(self.names, table)
        pages = self._dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
        found = [item for page in pages for item in page["Items"]]
        return sorted(found, key=lambda item: [str(item[key]) for key in TABLE_KEYS[table]])

    def empty(self) -> None:
        """Nothing in any table."""
        for table in TABLES:
            keys = [{name: item[name] for name in TABLE_KEYS[table]} for item in self.items(table)]
            self._write(table, [{"DeleteRequest": {"Key": key}} for key in keys])

    def _write(self, table: str, requests: Sequence[Mapping[str, Any]]) -> None:
        for at in range(0, len(requests), _MOST_REQUESTS):
            portion = {getattr(self.names, table): requests[at : at + _MOST_REQUESTS]}
            answer = self._dynamodb.batch_write_item(RequestItems=portion)
            assert not answer["UnprocessedItems"]

    def call(self, function: str, **request: Any) -> dict[str, Any]:
        """The answer of a cold instance."""
        verb = FUNCTIONS[function]
        ring = self.key_ring(verb.mac_keys_from)
        operation = verb(
            policy=self.policy,
            key_ring=ring,
            record_keys=self.record_keys(ring),
            numbers=self.numbers,
            trail=AuditTrail(function, self.log, ring, self.clock),
            quotas=Quotas(self.policy, DynamoCounterStore(self.tables, self.names.operations)),
            clock=self.clock,
            tally=Tally(),
        )
        return operation(CALLER, request)

    def key_ring(self, mac_keys_from: KeyUse = KeyUse.INDEX, *, is_a_jobs: bool = False) -> KeyRing:
        """A cold one."""
        return KeyRing(
            self.key_ring_store,
            self.kms,
            self.clock,
            Tally(),
            max_age=timedelta(seconds=300),
            capacity=100,
            mac_keys_from=mac_keys_from,
            unwrapping=UNWRAPPING | {KeyState.RETIRED} if is_a_jobs else UNWRAPPING,
        )

    def record_keys(self, ring: KeyRing) -> RecordKeys:
        """As the policy wraps them."""
        return RecordKeys(self.policy, ring, self.kms, Tally())

    def rewrap(self) -> Rewrap:
        """A cold instance."""
        desk, record_keys = self._desk(Rewrap.name, Rewrap.mac_keys_from)
        rewrapping = Rewrapping(record_keys, desk.key_ring, self.kms, Tally())
        return Rewrap(desk, self.runs, DynamoWrappedRecords(self.tables, self.names), rewrapping)

    def reindex(self) -> Reindex:
        """A cold instance."""
        desk, record_keys = self._desk(Reindex.name, Reindex.mac_keys_from)
        reindexing = Reindexing(record_keys, desk.key_ring)
        return Reindex(desk, self.runs, DynamoIndexedRecords(self.tables, self.names), reindexing)

    def _desk(self, name: str, mac_keys_from: KeyUse) -> tuple[Desk, RecordKeys]:
        ring = self.key_ring(mac_keys_from, is_a_jobs=True)
        return Desk(self.policy, ring, AuditTrail(name, self.log, ring, self.clock), self.clock, Tally()), (
            self.record_keys(ring)
        )
