"""The estimate, for people and for machines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.table import table
from phone_vault.services.estimate import prices
from phone_vault.services.estimate.bill import Bill
from phone_vault.services.estimate.duration import Duration
from phone_vault.services.estimate.prices import Prices
from phone_vault.services.estimate.rotation import Reckoned

_SERVICES = {"dynamodb": "DynamoDB", "kms": "KMS", "lambda": "Lambda", "step_functions": "Step Functions"}


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell."""

    about: str
    reckoned: Reckoned
    duration: Duration
    prices: Prices
    memory_gigabytes: float

    @property
    def cost(self) -> dict[str, float]:
        """By service, in US dollars."""
        return prices.cost(self.reckoned.total, self.duration.busy * self.memory_gigabytes, self.prices)


Cost = Mapping[str, float]
"""By service, in US dollars."""


def as_json(told: Told) -> dict[str, Any]:
    """Everything, with the prices that were put in."""
    reckoned = told.reckoned
    return {
        "ok": True,
        "about": told.about,
        "records": {
            "passed_over": round(reckoned.records),
            "re_wrap": round(reckoned.re_wraps),
            "re_index": round(reckoned.re_indexes),
            "re_encrypt": round(reckoned.re_encrypts),
            "sweep": round(reckoned.sweeps),
        },
        **bill_as_json(reckoned.total),
        "steps": {name: bill_as_json(bill) for name, bill in reckoned.steps.items()},
        "minutes": {
            "waiting": round(told.duration.waiting / 60, 1),
            "working": round(told.duration.working / 60, 1),
            "total": round((told.duration.waiting + told.duration.working) / 60, 1),
        },
        **prices_as_json(told.cost, told.prices),
    }


def prices_as_json(cost: Cost, named: Prices) -> dict[str, Any]:
    """The cost, and the prices that were put in."""
    return {
        "cost_usd": {**{name: round(value, 6) for name, value in cost.items()}, "total": round(sum(cost.values()), 6)},
        "prices": {"region": prices.REGION, "date": prices.DATE, "sources": prices.SOURCES, **asdict(named)},
    }


def show(told: Told, console: Console) -> None:
    """Records, requests, time and cost."""
    reckoned, total = told.reckoned, told.reckoned.total
    console.say(f"{told.about}: {reckoned.records:,.0f} records to pass over")
    console.section("Records", "A record that is current costs its reading and no write.")
    changes = {
        "re-wrap": reckoned.re_wraps,
        "re-encrypt": reckoned.re_encrypts,
        "re-index": reckoned.re_indexes,
        "sweep": reckoned.sweeps,
    }
    table(console, ["what", "records"], [[name, round(count)] for name, count in changes.items()])
    console.section("Requests", "By step; control is what is decided between the passes, and the making of keys.")
    waiting, working = told.duration.waiting, told.duration.working
    time = f"{time_in_words(waiting)} of waiting and about {time_in_words(working)} of work"
    show_bills(reckoned.steps, total, time, told.cost, console)


def show_bills(steps: Mapping[str, Bill], total: Bill, time: str, cost: Cost, console: Console) -> None:
    """By step and together, with time and cost."""
    header = ["step", "requests", "read units", "write units", "KMS calls"]
    rows = [[name, *_row(bill)] for name, bill in steps.items()]
    table(console, header, [*rows, ["all", *_row(total)]])
    console.say()
    console.say(
        f"{total.invocations:,.0f} invocations of functions, {total.transitions:,.0f} transitions of the state machine"
    )
    console.section("Time", "Waits are certain. The rest assumes how fast AWS answers, and was not measured there.")
    console.say(time)
    console.section(
        "Cost", f"{prices.REGION}, on demand, prices as of {prices.DATE}: check them, or name others with --price."
    )
    services = [*((_SERVICES[name], value) for name, value in cost.items()), ("all", sum(cost.values()))]
    table(console, ["service", "USD"], [[name, _dollars(value)] for name, value in services])


def bill_as_json(bill: Bill) -> dict[str, Any]:
    """Rounded."""
    return {
        "requests": {name: round(count) for name, count in sorted(bill.requests.items())},
        "read_units": round(bill.read_units, 1),
        "write_units": round(bill.write_units, 1),
        "kms_calls": round(bill.kms_calls),
        "invocations": round(bill.invocations),
        "transitions": round(bill.transitions),
    }


def _row(bill: Bill) -> list[str | int]:
    return [round(bill.requests.total()), round(bill.read_units), round(bill.write_units), round(bill.kms_calls)]


def _dollars(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 else f"{value:.4f}"


def time_in_words(seconds: float) -> str:
    """In seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.1f} h"
