"""States within states: what fails inside fails what is around it.

A child of a distributed map that fails counts against what the map tolerates, which is nothing unless it says so.

It needs moto's interpreter, so it is imported when the interpreter is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
    map_run_record,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import Job
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.eval.environment import Environment

Worker = distributed_item_processor_worker.DistributedItemProcessorWorker

_EXCEEDED = StatesErrorNameType.StatesExceedToleratedFailureThreshold
_CAUSE = "The specified tolerated failure threshold was exceeded"

_run_child = Worker._eval_job


@contextmanager
def repairs() -> Iterator[None]:
    """Stock moto answers null for a child that failed and goes on, and takes no error of AWS's own out of a branch."""
    with (
        patch.object(Worker, "_eval_job", _run_child_and_count),
        patch.object(Worker, "_eval_pool", _run_children),
        patch.object(branches_decl, "CustomErrorName", _error_name),
        patch.object(iteration_worker, "CustomErrorName", _error_name),
    ):
        yield


def _run_child_and_count(worker: Worker, env: Environment, job: Job) -> None:
    _run_child(worker, env, job)
    record = worker._map_run_record
    failures = record.item_counter.failed.get() + record.item_counter.timed_out.get()
    if failures > _tolerated(record, worker._job_pool._jobs_number):
        # No further child is started then, and those under way end after the state that they are in.
        job.job_output = FailureEventException(_threshold_exceeded(env))


def _run_children(worker: Worker, job: Job | None, worker_frame: Environment) -> None:
    """One after the other; stock moto calls itself for the next one, which Python allows a thousand times."""
    while job is not None:
        job_frame = worker_frame.open_inner_frame()
        worker._eval_job(env=job_frame, job=job)
        worker_frame.delete_frame(job_frame)
        ended = isinstance(job.job_output, Exception) or worker._stop_signal_received
        following = None if ended else worker._job_pool.next_job()
        worker._job_pool.close_job(job)
        job = following


def _error_name(error_name: str) -> ErrorName:
    if error_name.startswith("States."):
        return StatesErrorName(StatesErrorNameType.from_name(error_name))
    return CustomErrorName(error_name)


def _tolerated(record: map_run_record.MapRunRecord, items: int) -> float:
    """The lower of the two thresholds; one that is not given is 0 in moto's record, and does not count."""
    thresholds = (record.tolerated_failure_count, record.tolerated_failure_percentage * items / 100)
    return min((each for each in thresholds if each), default=0)


def _threshold_exceeded(env: Environment) -> FailureEvent:
    details: Any = {"mapRunFailedEventDetails": {"error": _EXCEEDED.to_name(), "cause": _CAUSE}}
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(_EXCEEDED),
        event_type=HistoryEventType.MapRunFailed,
        event_details=details,
    )
