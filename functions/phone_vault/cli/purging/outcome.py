"""What a Purge has done: for people, and whether a person has to look."""

from collections.abc import Mapping
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.policy.words import counted
from phone_vault.cli.printable import printable
from phone_vault.cli.table import table
from phone_vault.domain.purge_run import FAILED, KEPT, MESSAGE_KEYS, MESSAGE_KEYS_FAILED, PURGED

Output = Mapping[str, Any]


def show(output: Output, console: Console) -> None:
    """Counts, and tenants that were left out."""
    console.section(
        "Purged", "Their keys are destroyed. Kept is what was planned or found due, and is held, restricted or in use."
    )
    rows: list[list[str | int]] = [
        ["stored numbers purged", output[PURGED]],
        ["message keys purged", output[MESSAGE_KEYS]],
        ["stored numbers kept", output[KEPT]],
    ]
    failures = {"stored numbers FAILED": output[FAILED], "message keys FAILED": output.get(MESSAGE_KEYS_FAILED, 0)}
    rows += [[name, count] for name, count in failures.items() if count]
    table(console, ["what", "records"], rows)
    console.say()
    for tenant_id in output["skipped_tenants"]:
        console.say(f"SKIPPED: {printable(tenant_id)}, by the circuit breaker")


def failures(output: Output) -> list[str]:
    """What is left undone, in words."""
    told = []
    if failed := output[FAILED] + output.get(MESSAGE_KEYS_FAILED, 0):
        told.append(
            f"{counted(failed, 'record')} could not be purged: they do not read, or change too often. The logs of "
            "PurgePage say of which tenants"
        )
    if skipped := output["skipped_tenants"]:
        told.append(
            f"of {counted(len(skipped), 'tenant')} nothing was purged ({', '.join(map(printable, skipped))}), because "
            "more is due than may go without a person. Look first: phone-vault purge plan --tenant ID; if it is right: "
            "phone-vault purge run --plan ID"
        )
    return told
