"""Carries out a purge: starts one, goes on with one that was stopped, or follows the one that is running."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from phone_vault.cli.console import Console
from phone_vault.cli.executing.ending import left_running
from phone_vault.cli.policy import file
from phone_vault.cli.problem import Problem
from phone_vault.cli.purging.following import Following
from phone_vault.cli.stack import Vault
from phone_vault.domain.moments import to_text
from phone_vault.domain.purge_run import UNATTENDED, RunState
from phone_vault.domain.receipts import are_those_of

if TYPE_CHECKING:
    from phone_vault.adapters.purge_reading import PurgeReading
    from phone_vault.adapters.state_machine import Execution, StateMachine

INTERRUPTED = "phone-vault purge run was interrupted"


class How(StrEnum):
    """What became of the command."""

    STARTED = "started"
    CONTINUED = "continued"
    """One that was stopped goes on."""
    FOLLOWED = "followed"
    """The same was running."""


@dataclass(frozen=True, slots=True)
class Purged:
    """A purge that has come to its end."""

    execution_arn: str
    how: How
    output: Mapping[str, Any]

    @property
    def receipt(self) -> Mapping[str, Any]:
        """Whole."""
        receipt: Mapping[str, Any] = self.output["receipt"]
        return receipt


class CircuitBreakerOpen(Problem):
    """More is due than goes without a person."""

    def __init__(self, share: float) -> None:
        super().__init__(
            "circuit-breaker-open: no more was destroyed.\n"
            "  In every tenant with something due, more is due than may go without a person\n"
            f"  (circuit_breaker in the policy: {100 * share:g} percent of a tenant's stored numbers).\n"
            "  Look at what it is:     phone-vault purge plan\n"
            "  If it is right, run it: phone-vault purge run --plan ID"
        )

    def as_json(self) -> dict[str, Any]:
        """With its name."""
        return {"ok": False, "problem": " ".join(str(self).split()), "error": "circuit-breaker-open"}


class Purge:
    """Of one vault."""

    def __init__(self, vault: Vault, machine: "StateMachine", reading: "PurgeReading", console: Console) -> None:
        self._vault = vault
        self._machine = machine
        self._reading = reading
        self._console = console

    @classmethod
    def of(cls, vault: Vault, console: Console) -> "Purge":
        """With clients of its AWS."""
        from phone_vault.adapters.purge_reading import PurgeReading
        from phone_vault.adapters.state_machine import StateMachine

        machine = StateMachine(vault.client("stepfunctions"), vault.outputs["PurgeStateMachineArn"])
        return cls(vault, machine, PurgeReading(vault.client("dynamodb"), vault.outputs["OperationsTable"]), console)

    def carried_out(self, plan_id: str | None, agree: Callable[[], object]) -> Purged:
        """Its outcome; a `Problem` when it fails or is interrupted. `agree` is called before one is started."""
        machine_input = {} if plan_id is None else {"plan_id": plan_id}
        running = self._running(machine_input)
        scope = UNATTENDED if plan_id is None else plan_id
        if running is not None:
            return self._followed(running, scope)
        agree()
        return self._started(machine_input, scope)

    def _running(self, machine_input: Mapping[str, Any]) -> "Execution | None":
        """One that was started for the same, here, elsewhere or by schedule."""
        for each in self._machine.running():
            described = self._machine.execution(each.arn)
            if described.input.get("plan_id") == machine_input.get("plan_id"):
                return described
        return None

    def _started(self, machine_input: Mapping[str, Any], scope: str) -> Purged:
        before = self._reading.run(scope)
        goes_on = before is not None and before.state is not RunState.FINISHED
        following = Following(self._reading, self._console, scope)
        arn = self._machine.start(f"purge-{scope}-{secrets.token_hex(8)}", machine_input)
        what = "Purge goes on where it was stopped" if goes_on else "Purge started"
        self._console.say(f"{what} on {self._vault.place}:")
        self._console.say(arn.rpartition(":")[2])
        try:
            ended = following.until_ended(lambda: self._machine.execution(arn))
        except KeyboardInterrupt:
            self._machine.stop(arn, INTERRUPTED)
            raise Problem(
                "interrupted: the Purge is stopped. What was destroyed stays destroyed, and nothing is forgotten: the "
                "same command goes on from where it was, and its receipt names both."
            ) from None
        return self._ended(ended, How.CONTINUED if goes_on else How.STARTED)

    def _followed(self, running: "Execution", scope: str) -> Purged:
        since = to_text(running.started_at)
        self._console.say(f"The same Purge is running since {since}: this follows it:")
        self._console.say(running.name)
        try:
            ended = Following(self._reading, self._console, scope).until_ended(
                lambda: self._machine.execution(running.arn)
            )
        except KeyboardInterrupt:
            raise left_running("Purge", running) from None
        return self._ended(ended, How.FOLLOWED)

    def _ended(self, ended: "Execution", how: How) -> Purged:
        if not ended.has_succeeded or ended.output is None:
            raise self._problem_of(ended)
        return Purged(ended.arn, how, {**ended.output, "receipt": self._whole(ended.output["receipt"])})

    def _problem_of(self, ended: "Execution") -> Problem:
        told = ended.failure
        if ended.error == "circuit-breaker-open":
            return CircuitBreakerOpen(file.read(self._vault.policy_file).circuit_breaker)
        if ended.error == "not-found":
            return Problem(f"{told}. A plan is kept for 30 days; `phone-vault purge plan` makes a new one.")
        if ended.error == "conflict":
            return Problem(f"{told}. If another Purge is under way, the same command can be given when it has ended.")
        return Problem(
            f"the Purge failed: {told}. The logs of its functions say more. What was destroyed stays destroyed: the "
            "same command goes on from there, and its receipt names both."
        )

    def _whole(self, receipt: Mapping[str, Any]) -> Mapping[str, Any]:
        """With all its leaves: of more than 1,000 it says where they are."""
        tokens = receipt["tokens"]
        if "under" not in tokens:
            return receipt
        leaves = [leaf for row in range(tokens["rows"]) for leaf in self._reading.leaves(tokens["under"], row)]
        if not are_those_of(tokens, leaves):
            raise Problem("the leaves of the receipt, rows of the table Operations, are not those that were signed")
        return {**receipt, "leaves": [leaf.as_json() for leaf in leaves]}
