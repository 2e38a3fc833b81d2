"""What a Rotation has done: for people, and whether all of it went well."""

from collections.abc import Mapping, Sequence
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.policy.words import counted
from phone_vault.cli.printable import printable
from phone_vault.cli.table import table

Output = Mapping[str, Any]
States = Mapping[str, str]
"""By `tenant/use/version`."""


def show(output: Output, states: States, console: Console) -> None:
    """Counts, the census, what was retired, what failed and what is out of reach."""
    console.section("Census", "How many records are still on each key version, counted after everything was moved.")
    rows: list[list[str | int]] = []
    for path, records in sorted(output.get("census", {}).items(), key=lambda item: _place(item[0])):
        tenant_id, use, version = path.split("/")
        rows.append([tenant_id, f"{use} {version}", states.get(path, ""), records])
    table(console, ["tenant", "key", "state", "records"], rows)
    console.section("Done", "What the passes over the records have changed.")
    done = {
        "re-wrapped": output.get("rewrapped", 0),
        "re-indexed": output.get("reindexed", 0),
        "re-encrypted": output.get("re_encrypted", 0),
        "failed": output.get("failed", 0),
    }
    table(console, ["what", "records"], [[name, count] for name, count in done.items()])
    retired = output.get("retired", ())
    console.say()
    console.say(f"retired: {', '.join(map(printable, retired)) or 'none'}")
    for tenant_id, count in sorted(output.get("out_of_reach", {}).items()):
        console.say(
            f"OUT OF REACH: {counted(count, 'message key')} of {printable(tenant_id)} from before a branch key was "
            "compromised. Applications keep the messages: they must encrypt them anew."
        )


def failures(output: Output, not_rotated: Sequence[Mapping[str, str]]) -> list[str]:
    """What did not go well, in words."""
    found = [
        f"{printable(each.get('whose', ''))} ({each.get('use', '')}): {each.get('problem', '')}" for each in not_rotated
    ]
    told = [f"keys were not rotated: {', '.join(found)}"] if found else []
    if failed := output.get("failed", 0):
        told.append(
            f"{counted(failed, 'record')} could not be moved on; the logs of Rewrap, Reindex and SweepIndex say which "
            "tenants they belong to. What is left on an old version keeps it from being retired."
        )
    return told


def _place(path: str) -> tuple[str, str, int]:
    tenant_id, use, version = path.split("/")
    return tenant_id, use, int(version)
