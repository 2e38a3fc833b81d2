"""A Rotation step by step, as its state machine takes them, by one caller at the wire's ear."""

from collections.abc import Mapping
from typing import Any

from tests.integration.support.vault import Vault, problem

Run = Mapping[str, Any]

WORKERS = {
    "rewrap-first": "Rewrap",
    "rewrap": "Rewrap",
    "re-encrypt": "Reindex",
    "reindex": "Reindex",
    "first-census": "Census",
    "sweep": "SweepIndex",
    "last-census": "Census",
}
"""Which function makes which pass."""


def deploy_with_few_shards(vault: Vault) -> None:
    """As by the template's parameter; a test of few records needs no more."""
    functions = vault.cloud.client("lambda")
    named = {"FunctionName": "phone-vault-AdvanceRotation"}
    variables = functions.get_function_configuration(**named)["Environment"]["Variables"]
    few = {name: str(value) for name, value in variables.items()} | {"SHARDS": "2"}
    functions.update_function_configuration(**named, Environment={"Variables": few})


def rotate(vault: Vault, **asked: Any) -> dict[str, Any]:
    """From its input to its output."""
    run = settled(vault, **asked)
    return finished(vault, run)


def settled(vault: Vault, **asked: Any) -> Run:
    """Until the new index version is read, and the one before still written."""
    run = begun(vault, **asked)
    if run["compromised"]:
        make_pass(vault, run, "rewrap-first")
    _wait(vault, run)
    make_pass(vault, run, "rewrap")
    if run["re_encrypting"]:
        make_pass(vault, run, "re-encrypt")
    if run["reindexing"]:
        make_pass(vault, run, "reindex")
    make_pass(vault, run, "first-census")
    return {**run, **_advance(vault, run, "settle")}


def finished(vault: Vault, run: Run) -> dict[str, Any]:
    """From there to the end."""
    if run["sweeping"]:
        _wait(vault, run)
        _advance(vault, run, "close")
        _wait(vault, run)
        make_pass(vault, run, "sweep")
    make_pass(vault, run, "last-census")
    return _advance(vault, run, "finish")


def begun(vault: Vault, **asked: Any) -> Run:
    """After new key versions were made."""
    plan = vault.invoke("AdvanceRotation", {"step": "plan", "rotation": asked})
    if plan["rotate"]:
        assert problem(vault.invoke("RotateKeys", plan["rotate_keys"])) is None
    run: Run = vault.invoke("AdvanceRotation", {"step": "begin", "rotation": asked})
    return run


def make_pass(vault: Vault, run: Run, step: str) -> None:
    """All shards, one after the other."""
    for shard in run["shards"]:
        request = {"run_id": run["run_id"], "step": step, "shard": shard}
        while not vault.invoke(WORKERS[step], request)["done"]:
            pass


def _advance(vault: Vault, run: Run, step: str) -> dict[str, Any]:
    answer: dict[str, Any] = vault.invoke("AdvanceRotation", {"step": step, "run_id": run["run_id"]})
    return answer


def _wait(vault: Vault, run: Run) -> None:
    vault.clock.advance(seconds=run["wait_seconds"])
