"""Functions of a deployed stack, as an operator invokes them."""

from collections.abc import Mapping
from typing import Any

from botocore.config import Config

from phone_vault.adapters.invocations import CannotInvoke, LambdaInvocations, Unanswered
from phone_vault.adapters.operator_access import CannotAsk

CONFIG = Config(
    connect_timeout=5,
    # Longer than any function may take, and once: an answer that is late must not start the job a second time.
    read_timeout=910,
    retries={"mode": "standard", "total_max_attempts": 1},
)


def answer_of(functions: Any, name: str, request: Mapping[str, Any], alias: str | None = None) -> Mapping[str, Any]:
    """The answer, a problem as well; `CannotAsk` when there is none. `functions` has the configuration above."""
    try:
        answer = LambdaInvocations(functions, name, alias).invoke(request)
    except Unanswered as unanswered:
        raise CannotAsk(f"{name} gave no answer, so whether it has done anything is not known: {unanswered}") from None
    except CannotInvoke as refused:
        raise CannotAsk(str(refused)) from None
    if not isinstance(answer, Mapping):
        raise CannotAsk(f"{name} gave an answer that is none of the vault's")
    return answer
