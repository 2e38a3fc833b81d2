"""Has a plan of a purge made, and shows it."""

from collections.abc import Callable, Mapping
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.policy.words import counted
from phone_vault.cli.problem import Problem
from phone_vault.cli.table import table

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Answer = Mapping[str, Any]

_PLANNED = "planned"


def planned(ask: Ask, request: Mapping[str, Any], console: Console) -> Answer:
    """The answer of PlanPurge, asked until the plan is made to its end."""
    answer = ask(request)
    try:
        while answer["state"] != _PLANNED:
            console.say(f"still looking: {counted(answer['due'], 'stored number')} due so far")
            answer = ask({"plan_id": answer["plan_id"]})
    except KeyboardInterrupt:
        raise Problem("interrupted: the plan is not made to its end. Nothing is destroyed by a plan.") from None
    return answer


def show(answer: Answer, console: Console) -> None:
    """What would go and what is kept, by tenant and purpose, and what to do next."""
    console.section("Plan", "Nothing is destroyed by a plan. What it lists goes when it is run and is still due then.")
    rows: list[list[str | int]] = [
        ["due: stored numbers", answer["due"]],
        ["due: message keys", answer["message_keys"]],
        ["kept: under a legal hold", answer["held"]],
        ["kept: restricted", answer["restricted"]],
    ]
    if answer["unreadable"]:
        rows.append(["rows that do not read", answer["unreadable"]])
    table(console, ["what", "records"], rows)
    _by(console, "tenant", "Stored numbers that are due.", answer["by_tenant"])
    _by(console, "purpose", "The same; a number that was stored for several is counted for each.", answer["by_purpose"])
    console.say()
    console.say(f"plan {answer['plan_id']}, until {answer['expires_at']}")
    if is_empty(answer):
        console.say("nothing is due: there is nothing to run")
    else:
        console.say(f"to destroy that: phone-vault purge run --plan {answer['plan_id']}")


def is_empty(answer: Answer) -> bool:
    """Whether it would destroy nothing."""
    return not answer["due"] and not answer["message_keys"]


def _by(console: Console, what: str, why: str, counts: Mapping[str, int]) -> None:
    console.section(f"By {what}", why)
    table(console, [what, "due"], [[name, count] for name, count in sorted(counts.items())])
