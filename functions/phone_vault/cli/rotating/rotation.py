"""Carries out an order: starts a Rotation, goes on with one that was stopped, or follows the one that is running."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from phone_vault.cli.console import Console
from phone_vault.cli.executing.answers import answer_of
from phone_vault.cli.executing.ending import left_running
from phone_vault.cli.policy import file
from phone_vault.cli.problem import Problem
from phone_vault.cli.rotating.following import Following
from phone_vault.cli.rotating.order import Order
from phone_vault.cli.stack import Vault
from phone_vault.domain.moments import to_text
from phone_vault.domain.ports import Clock
from phone_vault.domain.rotation import wait_of

if TYPE_CHECKING:
    from phone_vault.adapters.rotation_reading import RotationReading
    from phone_vault.adapters.state_machine import Execution, StateMachine

INTERRUPTED = "phone-vault rotate was interrupted"


class How(StrEnum):
    """What became of the order."""

    STARTED = "started"
    CONTINUED = "continued"
    """The keys were made before; what was left undone is done."""
    FOLLOWED = "followed"
    """Another Rotation was running."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A Rotation that has come to its end."""

    execution_arn: str
    how: How
    output: Mapping[str, Any]
    rotated: Sequence[Mapping[str, Any]] = ()
    """What RotateKeys has answered, where it was called before the machine."""
    not_rotated: Sequence[Mapping[str, str]] = ()
    left_undone: list[str] = field(default_factory=list)
    """Of the order, because another Rotation was running."""


class Rotation:
    """Of one vault."""

    def __init__(
        self, vault: Vault, machine: "StateMachine", reading: "RotationReading", console: Console, clock: Clock
    ) -> None:
        self._vault = vault
        self._clock = clock
        self._machine = machine
        self._reading = reading
        self._console = console

    @classmethod
    def of(cls, vault: Vault, console: Console) -> "Rotation":
        """With clients of its AWS."""
        from phone_vault.adapters.clock import SystemClock
        from phone_vault.adapters.rotation_reading import RotationReading
        from phone_vault.adapters.state_machine import StateMachine

        machine = StateMachine(vault.client("stepfunctions"), vault.outputs["RotationStateMachineArn"])
        reading = RotationReading(vault.client("dynamodb"), vault.outputs["OperationsTable"])
        return cls(vault, machine, reading, console, SystemClock())

    def carried_out(self, order: Order) -> Rotated:
        """Its outcome; a `Problem` when it fails or is interrupted."""
        running = next(self._machine.running(), None)
        if running is not None:
            return self._followed(running, order)
        goes_on = self._was_left_undone(order)
        answer: Mapping[str, Any] = {}
        if order.rotate_keys_request is not None and not goes_on:
            answer = self._rotate_kms_keys(order.rotate_keys_request)
        following = self._following()
        arn = self._machine.start(order.execution_name(), order.continued_input if goes_on else order.machine_input)
        what = "Rotation goes on where it was stopped" if goes_on else "Rotation started"
        self._console.say(f"{what} on {self._vault.place}: {arn.rpartition(':')[2]}")
        try:
            ended = following.until_ended(lambda: self._machine.execution(arn))
        except KeyboardInterrupt:
            self._machine.stop(arn, INTERRUPTED)
            raise Problem(
                "interrupted: the Rotation is stopped. Nothing is lost: what was moved stays moved, all records can be "
                "read, and no key was retired early. The same command goes on from where it was."
            ) from None
        return Rotated(
            arn,
            How.CONTINUED if goes_on else How.STARTED,
            _output_of(ended),
            rotated=answer.get("rotated", ()),
            not_rotated=answer.get("failed", ()),
        )

    def key_states(self) -> dict[str, str]:
        """Of each version, as it is now."""
        from phone_vault.adapters.inventory import Inventory
        from phone_vault.domain.inventory import KeyVersion

        outputs = self._vault.outputs
        inventory = Inventory(
            self._vault.client("dynamodb"), record_keys=outputs["RecordKeysTable"], key_ring=outputs["KeyRingTable"]
        )
        return {row.key_id.path: row.state for row in inventory.key_versions() if isinstance(row, KeyVersion)}

    def _followed(self, running: "Execution", order: Order) -> Rotated:
        running = self._machine.execution(running.arn)
        same = running.input in (order.machine_input, order.continued_input) and not order.rotate_keys_request
        since = to_text(running.started_at)
        self._console.say(f"A Rotation is running since {since}: this follows it ({running.name}).")
        try:
            ended = self._following().until_ended(lambda: self._machine.execution(running.arn))
        except KeyboardInterrupt:
            raise left_running("Rotation", running) from None
        undone = "the Rotation that was running was started for something else: give the command again for what it says"
        return Rotated(running.arn, How.FOLLOWED, _output_of(ended), left_undone=[] if same else [undone])

    def _was_left_undone(self, order: Order) -> bool:
        """Whether the last Rotation was for the same and ended early, after it had made its keys."""
        from phone_vault.services.advance_rotation import RESUMED_FOR

        earlier = order.unfinished_in(self._machine.latest())
        run = self._reading.latest()
        if not earlier or run is None or run.finished:
            return False
        has_begun = run.begun_at >= earlier[-1].started_at.replace(microsecond=0)
        return has_begun and self._clock.now() - run.begun_at < RESUMED_FOR

    def _rotate_kms_keys(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._console.say("New material for the KMS keys, and every row of KeyRing under it ...")
        return answer_of(self._vault, "RotateKeys", request)

    def _following(self) -> Following:
        """With what is known of the size of the whole."""
        from phone_vault.adapters.table_sizes import table_size

        records = table_size(self._vault.client("dynamodb"), self._vault.outputs["RecordKeysTable"]).items or None
        wait = wait_of(file.read(self._vault.policy_file))
        return Following(self._reading, self._console, records=records, wait_seconds=round(wait.total_seconds()))


def _output_of(ended: "Execution") -> Mapping[str, Any]:
    if ended.has_succeeded:
        return ended.output or {}
    raise Problem(
        f"the Rotation failed: {ended.failure}. The logs of its functions say more. What was moved stays moved: the "
        "same command goes on from there."
    )
