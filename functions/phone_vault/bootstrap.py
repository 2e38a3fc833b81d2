"""Puts a function together from its environment. Clients and caches hang on what is built here, never on a module."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from phone_vault.adapters.audit_log import DynamoAuditLog
from phone_vault.adapters.clients import Clients
from phone_vault.adapters.clock import SystemClock
from phone_vault.adapters.counters import DynamoCounterStore
from phone_vault.adapters.key_ring import DynamoKeyRingStore
from phone_vault.adapters.kms import KmsKeyWrapper
from phone_vault.adapters.numbers import DynamoNumberStore
from phone_vault.adapters.tables import Tables
from phone_vault.domain.callers import Caller, UserPool
from phone_vault.domain.keys import UNWRAPPING, KeyState, KeyUse
from phone_vault.domain.policy import VaultPolicy
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.operation import Operation, Ports
from phone_vault.services.quotas import Quotas
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.tally import Tally
from phone_vault.settings import Settings, read_policy, settings_from


@dataclass(frozen=True, slots=True)
class Application:
    """One function, ready to be called, and what it counts."""

    operation: Callable[[Caller, object], dict[str, Any]]
    tally: Tally
    user_pool: UserPool | None
    """Where the people sign in who may call it over HTTP."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every function is made of."""

    settings: Settings
    policy: VaultPolicy
    clock: SystemClock
    tally: Tally
    clients: Clients
    tables: Tables
    wrapper: KmsKeyWrapper
    key_ring_store: DynamoKeyRingStore
    key_ring: KeyRing
    record_keys: RecordKeys
    trail: AuditTrail


def parts_of(
    name: str, mac_keys_from: KeyUse, environ: Mapping[str, str], unwrapping: Set[KeyState] = UNWRAPPING
) -> Parts:
    """The parts of the function of this name. Credentials and region are taken from the process's environment now."""
    settings = settings_from(environ)
    policy = read_policy(settings.policy_file)
    clock = SystemClock()
    tally = Tally()
    clients = Clients()
    tables = Tables(clients.dynamodb)
    wrapper = KmsKeyWrapper(clients.kms, policy, kek_arn=settings.kek_arn, storage_key_arn=settings.storage_key_arn)
    key_ring_store = DynamoKeyRingStore(tables, settings.tables)
    key_ring = KeyRing(
        key_ring_store,
        wrapper,
        clock,
        tally,
        max_age=timedelta(seconds=policy.branch_key_cache_seconds),
        capacity=settings.key_cache_capacity,
        mac_keys_from=mac_keys_from,
        unwrapping=unwrapping,
    )
    return Parts(
        settings=settings,
        policy=policy,
        clock=clock,
        tally=tally,
        clients=clients,
        tables=tables,
        wrapper=wrapper,
        key_ring_store=key_ring_store,
        key_ring=key_ring,
        record_keys=RecordKeys(policy, key_ring, wrapper, tally),
        trail=AuditTrail(name, DynamoAuditLog(tables, settings.tables.audit_trail), key_ring, clock),
    )


def build(operation: type[Operation[Any]], environ: Mapping[str, str]) -> Application:
    """The function for one verb of the applications."""
    parts = parts_of(operation.name, operation.mac_keys_from, environ)
    return Application(operation(**ports_of(parts)), parts.tally, parts.settings.user_pool)


def ports_of(parts: Parts) -> Ports:
    """What every operation works with."""
    return Ports(
        policy=parts.policy,
        key_ring=parts.key_ring,
        record_keys=parts.record_keys,
        numbers=DynamoNumberStore(parts.tables, parts.settings.tables),
        trail=parts.trail,
        quotas=Quotas(parts.policy, DynamoCounterStore(parts.tables, parts.settings.tables.operations)),
        clock=parts.clock,
        tally=parts.tally,
    )
