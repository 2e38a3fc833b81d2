"""The vault that the numbers go to, and the patience to ask it again."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any, Protocol

from phone_vault.cli.problem import Problem
from phone_vault.domain.identifiers import TOKEN

_ATTEMPTS = 8
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 20.0
_URN = "urn:phone-vault:problem:"
_KIND = re.compile(r"[a-z-]{1,40}")

# The vault's own trouble, never the row's: such a row is asked again, and is never a reject.
_TEMPORARY = frozenset({"key-unavailable", "store-unavailable", "audit-unavailable"})
# As long as this lasts, nothing gets in; what was imported stays, and a later start goes on.
_ENDS_THE_IMPORT = frozenset({"quota-exceeded"})
# When every row has the same purposes, these speak of the command and not of a row.
_OF_THE_COMMAND = frozenset({"principal-not-permitted", "purpose-not-registered"})


class Busy(Exception):
    """The vault did not take the request, or nobody knows whether it did; asking again does no harm."""


class NotAsked(Problem):
    """The request did not reach the vault, and asking again is of no use."""


class Vault(Protocol):
    """One function of one vault."""

    @property
    def identity(self) -> str:
        """Which vault; tokens of another one lead nowhere."""

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """Its answer; raises `Busy`, `NotAsked`, or another `Problem` when asking again is of no use."""


class PatientVault:
    """Asks for batches of numbers, as often as it takes."""

    def __init__(
        self,
        vault: Vault,
        common: Mapping[str, Any],
        *,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._vault = vault
        self._common = common
        self.may_have_stored = False
        """Whether a row can have got into the vault: only a clear refusal says that none has."""
        self._stopped = Event()
        self._wait = wait or self._stopped.wait

    def stop(self) -> None:
        """Nobody waits for the answers any more."""
        self._stopped.set()

    def protect(self, requests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """A response or `{"problem": ...}` for each, in their order; `Problem` when the import cannot go on."""
        answers: dict[int, Mapping[str, Any]] = {}
        trouble = ""
        for attempt in range(_ATTEMPTS):
            waiting = [index for index in range(len(requests)) if index not in answers]
            if not waiting:
                break
            if attempt:
                self._pause(attempt)
            try:
                results = self._ask([requests[index] for index in waiting])
            except Busy as busy:
                trouble = str(busy)
                continue
            for index, result in zip(waiting, results, strict=True):
                if (kind := problem_kind(result)) in _TEMPORARY:
                    trouble = kind
                else:
                    answers[index] = result
        if len(answers) < len(requests):
            raise Problem(
                f"the vault cannot take any more just now ({trouble}). What was imported so far is complete: "
                "start the same command again, and it goes on from there."
            )
        return [answers[index] for index in range(len(requests))]

    def _ask(self, requests: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        answer = self._invoke({**self._common, "items": list(requests)})
        kind = problem_kind(answer)
        if kind in _TEMPORARY:
            self.may_have_stored = True
            raise Busy(kind)
        if kind:
            raise Problem(f"the vault refuses the whole request: {reason_of(answer)}")
        results = answer.get("results") if isinstance(answer, Mapping) else None
        if not isinstance(results, list) or len(results) != len(requests) or not all(map(_is_protects, results)):
            self.may_have_stored = True
            raise Problem("the function's answer is not one of Protect's")
        self.may_have_stored |= any(problem_kind(result) in {"", *_TEMPORARY} for result in results)
        final = _ENDS_THE_IMPORT | (_OF_THE_COMMAND if "purposes" in self._common else frozenset())
        for result in results:
            if (kind := problem_kind(result)) in final:
                hint = " A batch larger than the quota never gets through: name a smaller --batch-size."
                raise Problem(
                    f"the vault refuses: {reason_of(result)}. What was written so far is complete: when the reason is "
                    f"gone, the same command goes on from there.{hint if kind in _ENDS_THE_IMPORT else ''}"
                )
        return results

    def _invoke(self, payload: Mapping[str, Any]) -> Any:
        try:
            return self._vault.invoke(payload)
        except NotAsked:
            raise
        except BaseException:
            self.may_have_stored = True
            raise

    def _pause(self, attempt: int) -> None:
        """Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
        self._wait(random.uniform(0, longest))  # noqa: S311  spreads load, keeps no secret
        if self._stopped.is_set():
            raise Problem("stopped")


def problem_kind(answer: Any) -> str:
    """The last part of its type; empty for what is no problem."""
    problem = answer.get("problem") if isinstance(answer, Mapping) else None
    if not isinstance(problem, Mapping):
        return ""
    kind = str(problem.get("type", "")).removeprefix(_URN)
    return kind if _KIND.fullmatch(kind) else "unknown"


def _is_protects(result: Any) -> bool:
    if problem_kind(result):
        return True
    token = result.get("token") if isinstance(result, Mapping) else None
    return isinstance(token, str) and bool(TOKEN.fullmatch(token)) and isinstance(result.get("created"), bool)


def reason_of(answer: Mapping[str, Any]) -> str:
    """In the vault's words, which never hold a number."""
    return f"{problem_kind(answer)}: {answer['problem'].get('detail', '')}"
