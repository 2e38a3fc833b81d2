"""The functions on fakes, for tests of what they all have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from phone_vault.domain.callers import Caller, direct_caller
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.policy_file import parse
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.decrypt import Decrypt
from phone_vault.services.encrypt import Encrypt
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.lookup import Lookup
from phone_vault.services.operation import Operation, Ports
from phone_vault.services.protect import Protect
from phone_vault.services.quotas import Quotas
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.reveal import Reveal
from phone_vault.services.tally import Tally
from phone_vault.services.verify import Verify
from tests.fakes import (
    ManualClock,
    MemoryAuditLog,
    MemoryCounterStore,
    MemoryKeyRingStore,
    MemoryKeyWrapper,
    MemoryNumberStore,
    MemoryTables,
)
from tests.unit.samples import POLICY

VERBS: tuple[type[Operation[Any]], ...] = (Protect, Reveal, Lookup, Verify, Encrypt, Decrypt)
DIRECT = direct_caller(None)
SENDER = direct_caller("sender")


@dataclass
class World:
    """One instance of every function over one KMS and one DynamoDB."""

    clock: ManualClock = field(default_factory=ManualClock)
    log: MemoryAuditLog = field(default_factory=MemoryAuditLog)
    kms: MemoryKeyWrapper = field(default_factory=MemoryKeyWrapper)
    key_ring_store: MemoryKeyRingStore = field(default_factory=MemoryKeyRingStore)
    counters: MemoryCounterStore = field(default_factory=MemoryCounterStore)
    policy: Mapping[str, Any] = field(default_factory=lambda: POLICY)
    tables: MemoryTables = field(default_factory=MemoryTables)

    def __post_init__(self) -> None:
        self.numbers = MemoryNumberStore(self.log, self.tables)
        self.tallies: dict[str, Tally] = {}
        self.functions: dict[str, Operation[Any]] = {
            verb.name: verb(**self.ports(verb.name, verb.mac_keys_from)) for verb in VERBS
        }

    def call(self, function: str, payload: object, caller: Caller = DIRECT) -> dict[str, Any]:
        """The answer to a payload."""
        return self.functions[function](caller, payload)

    def problem(self, function: str, payload: object, caller: Caller = DIRECT) -> str:
        """The name of the problem that is answered, and nothing else is."""
        answer = self.call(function, payload, caller)
        assert answer.keys() == {"problem"}
        name = answer["problem"]["type"]
        assert isinstance(name, str)
        return name.removeprefix("urn:phone-vault:problem:")

    def ports(self, name: str, mac_keys_from: KeyUse) -> Ports:
        """What an instance of the function of this name works with; no other instance has its caches."""
        tally = self.tallies[name] = Tally()
        policy = parse(self.policy)
        ring = KeyRing(
            self.key_ring_store,
            self.kms,
            self.clock,
            tally,
            max_age=timedelta(seconds=300),
            capacity=100,
            mac_keys_from=mac_keys_from,
        )
        return Ports(
            policy=policy,
            key_ring=ring,
            record_keys=RecordKeys(policy, ring, self.kms, tally),
            numbers=self.numbers,
            trail=AuditTrail(name, self.log, ring, self.clock),
            quotas=Quotas(policy, self.counters),
            clock=self.clock,
            tally=tally,
        )
