"""Functions of a vault, asked by a command."""

from collections.abc import Mapping
from typing import Any

from phone_vault.cli import aws
from phone_vault.cli.problem import Problem
from phone_vault.cli.stack import Vault

_URN = "urn:phone-vault:problem:"


class Refused(Problem):
    """The function has answered a problem."""

    def __init__(self, function: str, problem: Mapping[str, Any]) -> None:
        self.kind = str(problem.get("type", "")).removeprefix(_URN)
        super().__init__(f"{function} refuses: {self.kind}: {problem.get('detail', '')}")
        self._problem = problem

    def as_json(self) -> dict[str, Any]:
        """With the function's own."""
        return {**super().as_json(), "answer": dict(self._problem)}


def answer_of(vault: Vault, function: str, request: Mapping[str, Any], alias: str | None = None) -> Mapping[str, Any]:
    """`Refused` in place of a problem; another `Problem` where there is no answer."""
    from phone_vault.adapters import jobs

    cloud = aws.open_cloud()
    if cloud is not None and alias is not None:
        answer: Mapping[str, Any] = cloud.invoke(function, request, alias=alias)  # makes the alias too
    else:
        functions = vault.client("lambda", jobs.CONFIG)
        answer = jobs.answer_of(functions, f"{vault.stack_name}-{function}", request, alias)
    problem = answer.get("problem")
    if isinstance(problem, Mapping):
        raise Refused(function, problem)
    return answer
