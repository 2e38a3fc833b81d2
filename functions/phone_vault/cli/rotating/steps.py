"""How far the steps of a Rotation are, put together from their shards."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from phone_vault.domain.rotation import CURRENT, DONE, FAILED, Progress, Run, Step
from phone_vault.services.censuses import Counted

LABELS = {
    Step.REWRAP_FIRST: "first re-wrapping",
    Step.REWRAP: "re-wrapping",
    Step.RE_ENCRYPT: "re-encrypting",
    Step.REINDEX: "re-indexing",
    Step.FIRST_CENSUS: "first census",
    Step.SWEEP: "sweeping",
    Step.LAST_CENSUS: "last census",
}
_CENSUSES = (Step.FIRST_CENSUS, Step.LAST_CENSUS)
_COUNTED = (Counted.NUMBERS, Counted.MESSAGES)


@dataclass(frozen=True, slots=True)
class StepState:
    """One step in all shards."""

    step: Step
    shards: int
    shards_done: int
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def is_done(self) -> bool:
        """In every shard."""
        return self.shards_done == self.shards

    @property
    def records(self) -> int:
        """That it has looked at."""
        if self.step in _CENSUSES:
            return sum(count for name, count in self.counts.items() if name.rpartition("/")[2] in _COUNTED)
        # The sweep counts entries of the index as current too.
        names = (DONE, FAILED) if self.step is Step.SWEEP else (DONE, FAILED, CURRENT)
        return sum(self.counts[name] for name in names)

    @property
    def outcome(self) -> str:
        """In words: what became of them."""
        if self.step in _CENSUSES:
            return ""
        failed = self.counts[FAILED]
        return f"{self.counts[DONE]:,} changed" + (f", {failed:,} FAILED" if failed else "")


def states_of(run: Run, progress: Iterable[Progress]) -> list[StepState]:
    """Of the steps that were begun, in their order."""
    by_step: dict[Step, list[Progress]] = {}
    for each in progress:
        by_step.setdefault(each.step, []).append(each)
    return [_state(run, step, by_step[step]) for step in Step if step in by_step]


def _state(run: Run, step: Step, shards: Sequence[Progress]) -> StepState:
    counts = sum((Counter(shard.counts) for shard in shards), Counter[str]())
    return StepState(step, run.shards, sum(shard.done for shard in shards), counts)
