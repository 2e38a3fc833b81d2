"""`phone-vault estimate purge`: what is looked at, and what is told of it."""

from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.estimating.subject import sizes_of
from phone_vault.cli.estimating.telling import bill_as_json, prices_as_json, show_bills, time_in_words
from phone_vault.cli.policy import file
from phone_vault.cli.policy.words import counted
from phone_vault.cli.printable import printable
from phone_vault.cli.stack import Vault
from phone_vault.cli.table import table
from phone_vault.domain.inventory import KeyVersion
from phone_vault.domain.keys import VAULT
from phone_vault.services.destruction import AT_ONCE
from phone_vault.services.estimate.duration import Latencies
from phone_vault.services.estimate.prices import Prices, cost
from phone_vault.services.estimate.purge import (
    PAGES_AT_ONCE,
    PurgeReckoning,
    PurgeWanted,
    ReckonedPurge,
    VaultFacts,
)


def reckoned(vault: Vault, wanted: PurgeWanted) -> ReckonedPurge:
    """By one pass over RecordKeys and KeyRing."""
    from phone_vault.adapters.clock import SystemClock
    from phone_vault.adapters.due_rows import due_rows, low_water_of
    from phone_vault.adapters.inventory import Inventory
    from phone_vault.adapters.operations_reading import OperationsReading
    from phone_vault.adapters.rotation_reading import RotationReading

    dynamodb, outputs = vault.client("dynamodb"), vault.outputs
    now = SystemClock().now()
    ring = list(
        Inventory(dynamodb, record_keys=outputs["RecordKeysTable"], key_ring=outputs["KeyRingTable"]).key_versions()
    )
    keys = [row for row in ring if isinstance(row, KeyVersion)]
    low_water = low_water_of(OperationsReading(dynamodb, outputs["OperationsTable"]))
    oldest = min((row.created_at.date() for row in keys), default=now.date())
    censuses = RotationReading(dynamodb, outputs["OperationsTable"]).censuses({row.key_id.tenant_id for row in keys})
    reckoning = PurgeReckoning(file.read(vault.policy_file), wanted, now)
    for row in due_rows(dynamodb, outputs["RecordKeysTable"]):
        reckoning.read(row)
    sizes = sizes_of(dynamodb, outputs)
    return reckoning.reckoned(
        VaultFacts(
            first_day=low_water or oldest,
            has_low_water=low_water is not None,
            has_vault_key=any(row.key_id.tenant_id == VAULT for row in keys),
            censuses={tenant_id: census.stored_numbers for tenant_id, census in censuses.items()},
            record_bytes=sizes.record,
            key_ring_rows=len(ring),
            sizes=sizes.rows,
        )
    )


def as_json(found: ReckonedPurge, about: str, prices: Prices, memory_gigabytes: float) -> dict[str, Any]:
    """Everything, with the prices that were put in."""
    working, busy = _seconds(found)
    return {
        "ok": True,
        "about": about,
        "records": {
            "due": found.due,
            "message_keys": found.message_keys,
            "purposes_dropped": found.dropped,
            "kept": found.kept,
        },
        "skipped_tenants": list(found.skipped),
        "circuit_breaker_open": found.is_open,
        **bill_as_json(found.total),
        "steps": {name: bill_as_json(bill) for name, bill in found.steps.items()},
        "minutes": {"total": round(working / 60, 1)},
        **prices_as_json(cost(found.total, busy * memory_gigabytes, prices), prices),
    }


def show(found: ReckonedPurge, about: str, prices: Prices, memory_gigabytes: float, console: Console) -> None:
    """Records, requests, time and cost."""
    console.say(about)
    console.section("Records", "What a purge would find now. Kept is what is past its end, and held or restricted.")
    rows: list[list[str | int]] = [
        ["stored numbers due", found.due],
        ["message keys due", found.message_keys],
        ["only purposes dropped", found.dropped],
        ["kept", found.kept],
    ]
    table(console, ["what", "records"], rows)
    if found.skipped:
        console.say()
        console.say(f"the circuit breaker leaves out {counted(len(found.skipped), 'tenant')}, unless it is planned:")
        for tenant_id in found.skipped:
            console.say(f"  {printable(tenant_id)}")
    working, busy = _seconds(found)
    console.section("Requests", "To find what is due, and to destroy it.")
    time = f"about {time_in_words(working)} of work"
    show_bills(found.steps, found.total, time, cost(found.total, busy * memory_gigabytes, prices), console)


def _seconds(found: ReckonedPurge) -> tuple[float, float]:
    """From beginning to end; and of all functions together, each of which has several requests under way."""
    latencies = Latencies()
    plan, run = (latencies.busy_seconds(found.steps[name]) for name in ("plan", "run"))
    busy = plan + run / AT_ONCE
    transitions = found.total.transitions * latencies.transition
    side_by_side = max(1, min(found.pages, PAGES_AT_ONCE))
    return plan + (run / AT_ONCE + transitions) / side_by_side, busy
