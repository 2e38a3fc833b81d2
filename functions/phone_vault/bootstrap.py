"""Puts a function together from its environment. Clients and caches hang on what is built here, never on a module."""

from collections.abc import Mapping
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
from phone_vault.domain.callers import UserPool
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.operation import Operation
from phone_vault.services.quotas import Quotas
from phone_vault.services.record_keys import RecordKeys
from phone_vault.services.tally import Tally
from phone_vault.settings import read_policy, settings_from


@dataclass(frozen=True, slots=True)
class Application:
    """One function, ready to be called, and what it counts."""

    operation: Operation[Any]
    tally: Tally
    user_pool: UserPool | None
    """Where the people sign in who may call it over HTTP."""


def build(operation: type[Operation[Any]], environ: Mapping[str, str]) -> Application:
    """The function for one verb. Credentials and region are taken from the process's environment now."""
    settings = settings_from(environ)
    policy = read_policy(settings.policy_file)
    clock = SystemClock()
    tally = Tally()
    clients = Clients()
    tables = Tables(clients.dynamodb)
    wrapper = KmsKeyWrapper(clients.kms, policy, kek_arn=settings.kek_arn, storage_key_arn=settings.storage_key_arn)
    key_ring = KeyRing(
        DynamoKeyRingStore(tables, settings.tables.key_ring),
        wrapper,
        clock,
        tally,
        max_age=timedelta(seconds=policy.branch_key_cache_seconds),
        capacity=settings.key_cache_capacity,
        mac_keys_from=operation.mac_keys_from,
    )
    trail = AuditTrail(operation.name, DynamoAuditLog(tables, settings.tables.audit_trail), key_ring, clock)
    return Application(
        operation(
            policy=policy,
            key_ring=key_ring,
            record_keys=RecordKeys(policy, key_ring, wrapper, tally),
            numbers=DynamoNumberStore(tables, settings.tables),
            trail=trail,
            quotas=Quotas(policy, DynamoCounterStore(tables, settings.tables.operations)),
            clock=clock,
            tally=tally,
        ),
        tally,
        settings.user_pool,
    )
