"""Asking for a batch: what is asked again, what ends the import, what is a row's own."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from phone_vault.cli.importing.patient_vault import Busy, NotAsked, PatientVault, problem_kind
from phone_vault.cli.problem import Problem

PURPOSES: dict[str, Any] = {"purposes": {"account_security": {}}}


def problem(kind: str) -> dict[str, Any]:
    return {"problem": {"type": f"urn:phone-vault:problem:{kind}", "detail": "why"}}


def token(number: str) -> dict[str, Any]:
    return {"token": f"tok_{number.zfill(20)}", "created": True}


class ScriptedVault:
    """Answers each invocation by the next part of its script, then with tokens."""

    identity = "scripted"

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.asked: list[list[str]] = []

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """By the script."""
        numbers = [item["number"] for item in payload["items"]]
        self.asked.append(numbers)
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, list):
            return step[0]
        if isinstance(step, dict) and "problem" not in step:
            return {"results": [step.get(number) or token(number) for number in numbers]}
        return step or {"results": [token(number) for number in numbers]}


def asked(vault: ScriptedVault, *numbers: str, common: Mapping[str, Any] = PURPOSES) -> list[Mapping[str, Any]]:
    patient = PatientVault(vault, common, wait=lambda _: None)
    return patient.protect([{"number": number} for number in numbers])


@pytest.mark.parametrize(
    "trouble", [Busy("TooManyRequestsException"), problem("store-unavailable"), problem("audit-unavailable")]
)
def test_a_busy_vault_is_asked_again(trouble: Any) -> None:
    vault = ScriptedVault(trouble, trouble)
    assert asked(vault, "1", "2") == [token("1"), token("2")]
    assert len(vault.asked) == 3


@pytest.mark.parametrize("kind", ["key-unavailable", "store-unavailable", "audit-unavailable"])
def test_a_row_that_met_trouble_is_asked_again_alone_and_keeps_its_place(kind: str) -> None:
    vault = ScriptedVault({"2": problem(kind)})
    assert asked(vault, "1", "2", "3") == [token("1"), token("2"), token("3")]
    assert vault.asked == [["1", "2", "3"], ["2"]]


def test_a_vault_that_stays_busy_ends_the_import_which_can_go_on() -> None:
    vault = ScriptedVault(*[Busy("ServiceException")] * 20)
    with pytest.raises(Problem, match=r"\(ServiceException\).*goes on from there"):
        asked(vault, "1")
    assert len(vault.asked) == 8


def test_pauses_are_random_and_grow() -> None:
    pauses: list[float] = []
    patient = PatientVault(ScriptedVault(*[Busy("x")] * 20), {}, wait=pauses.append)
    with pytest.raises(Problem):
        patient.protect([{"number": "1"}])
    assert len(set(pauses)) == 7
    assert all(0 <= pause <= min(20, 0.5 * 2**attempt) for attempt, pause in enumerate(pauses, 1))


def test_pauses_grow_twofold_to_a_longest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("random.uniform", lambda _least, most: most)
    with pytest.raises(Problem):
        PatientVault(ScriptedVault(*[Busy("x")] * 20), {}, wait=pauses.append).protect([{"number": "1"}])
    assert pauses == [1, 2, 4, 8, 16, 20, 20]


def test_a_refused_row_is_that_rows() -> None:
    answers = asked(ScriptedVault({"1": problem("invalid-number")}), "1", "2")
    assert answers == [problem("invalid-number"), token("2")]


def test_a_refused_request_ends_the_import() -> None:
    with pytest.raises(Problem, match="whole request: invalid-request: why"):
        asked(ScriptedVault(problem("invalid-request")), "1")


@pytest.mark.parametrize("kind", ["principal-not-permitted", "purpose-not-registered", "quota-exceeded"])
def test_a_refusal_that_every_row_would_get_ends_the_import(kind: str) -> None:
    with pytest.raises(Problem, match=kind):
        asked(ScriptedVault({"1": problem(kind)}), "1")


@pytest.mark.parametrize("kind", ["principal-not-permitted", "purpose-not-registered"])
def test_with_purposes_by_row_such_a_refusal_is_the_rows(kind: str) -> None:
    assert asked(ScriptedVault({"1": problem(kind)}), "1", common={}) == [problem(kind)]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        "x",
        7,
        {"results": []},
        {"results": None},
        {"results": [{}]},
        {"results": ["x"]},
        {"results": [{"token": "=cmd", "created": True}]},
        {"results": [{"token": "tok_" + "0" * 25, "created": "yes"}]},
    ],
)
def test_an_answer_that_is_none_of_protects_ends_the_import(answer: Any) -> None:
    with pytest.raises(Problem, match="not one of Protect's"):
        asked(ScriptedVault([answer]), "1")


def may_have_stored(*script: Any) -> bool:
    patient = PatientVault(ScriptedVault(*script), PURPOSES, wait=lambda _: None)
    with suppress(Problem, KeyboardInterrupt):
        patient.protect([{"number": "1"}, {"number": "2"}])
    return patient.may_have_stored


@pytest.mark.parametrize(
    "step",
    [
        Busy("no answer"),
        Problem("the function failed"),
        KeyboardInterrupt(),
        problem("store-unavailable"),
        {"1": problem("store-unavailable")},
        {"1": problem("quota-exceeded")},
        [{"results": ["x", "y"]}],
        {},
    ],
)
def test_what_is_no_clear_refusal_may_have_stored_something(step: Any) -> None:
    assert may_have_stored(step, NotAsked("x"))


@pytest.mark.parametrize(
    "step",
    [NotAsked("no such function"), problem("invalid-request"), dict.fromkeys("12", problem("principal-not-permitted"))],
)
def test_a_clear_refusal_has_stored_nothing(step: Any) -> None:
    assert not may_have_stored(step)


def test_a_kind_of_problem_is_a_word_and_nothing_else() -> None:
    assert problem_kind({"problem": {"type": "urn:phone-vault:problem:x\x1b[2J"}}) == "unknown"
