"""A Purge step by step, as its state machine takes them, by one caller at the wire's ear."""

from collections.abc import Mapping
from typing import Any

from tests.integration.support.vault import Vault

Run = Mapping[str, Any]


def purged(vault: Vault, plan_id: str) -> dict[str, Any]:
    """What has come of a plan of PlanPurge."""
    run = begun(vault, planned(vault, plan_id=plan_id), plan_id=plan_id)
    make_pages(vault, run)
    return finished(vault, run)


def planned(vault: Vault, **asked: Any) -> str:
    """The plan's id, after what a stopped purge has left."""
    request: dict[str, Any] = {"step": "plan", "purge": asked}
    while True:
        plan = vault.invoke("AdvancePurge", request)
        if plan["next"] == "begin":
            return str(plan["plan_id"])
        if plan["next"] == "resume":
            make_pages(vault, plan)
        else:
            request["plan_id"] = plan["plan_id"]


def begun(vault: Vault, plan: str, /, **asked: Any) -> Run:
    """The run of a plan."""
    run: Run = vault.invoke("AdvancePurge", {"step": "begin", "purge": asked, "plan_id": plan})
    return run


def make_pages(vault: Vault, run: Run) -> None:
    """All that are left, one after the other."""
    for page in run["pages"]:
        vault.invoke("PurgePage", {"scope": run["scope"], "run_id": run["run_id"], "page": page})


def finished(vault: Vault, run: Run) -> dict[str, Any]:
    """The answer, with the receipt."""
    request = {"step": "finish", "scope": run["scope"], "run_id": run["run_id"]}
    answer: dict[str, Any] = vault.invoke("AdvancePurge", request)
    return answer
