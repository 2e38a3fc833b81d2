"""The Rotation that its state machine is in the middle of."""

from phone_vault.domain.errors import Conflict
from phone_vault.domain.job_ports import RunStore
from phone_vault.domain.rotation import Run


def overtaken() -> Conflict:
    """What an execution ends with whose run is not the latest any more."""
    return Conflict("another Rotation has begun since")


def current_run(runs: RunStore, run_id: str) -> Run:
    """The run of this id; `Conflict` unless it is the latest."""
    run = runs.latest()
    if run is None or run.run_id != run_id:
        raise overtaken()
    return run
