"""The demonstration from beginning to end, and its report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import phonenumbers

from phone_vault.cli.console import Console
from phone_vault.cli.demonstration.counts import Counts, counts_of, show_counts
from phone_vault.cli.demonstration.examples import Examples, all_examples
from phone_vault.cli.demonstration.expectation import expect
from phone_vault.cli.demonstration.invalid import all_invalid
from phone_vault.cli.demonstration.reading import look_up_some, protect_again, reveal_all, verify_some
from phone_vault.cli.demonstration.refusals import Refusal, show_refusals
from phone_vault.cli.demonstration.storing import protect_all, styles_of
from phone_vault.cli.demonstration.subjects import Household, Person, households
from phone_vault.cli.demonstration.tables import Tables, show_tables
from phone_vault.cli.stopwatch import Stopwatch
from phone_vault.local import LocalCloud


@dataclass(frozen=True, slots=True)
class Input:
    """What went in."""

    libphonenumber: str
    examples: int
    """One for each region and type; several may be one number."""
    regions: int
    types: int
    numbers: int
    styles: Mapping[str, int]
    """How many of the stored numbers were written in which way."""


@dataclass(frozen=True, slots=True)
class Report:
    """The demonstration for machines; everything in it came out as expected."""

    tenant_id: str
    input: Input
    protected: int
    refused_as_invalid: int
    revealed: int
    looked_up: int
    matches: int
    mismatches: int
    protected_again: int
    tables: Tables
    refusals: Sequence[Refusal]
    counts: Counts

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def run(cloud: LocalCloud, console: Console, stopwatch: Stopwatch) -> Report:
    """`Problem` at the first thing that does not come out as expected."""
    stopwatch.lap("start")
    calls_before = len(cloud.calls)
    # The clock moves on during the demonstration, so a second one on the same cloud finds a tenant of its own.
    tenant_id = f"demo-{cloud.clock.now():%Y%m%dT%H%M%S}"
    examples = all_examples()
    homes = households(examples)
    people = [person for home in homes for person in home.people]
    invalid = all_invalid()
    went_in = Input(
        phonenumbers.__version__,
        examples.given,
        examples.regions,
        examples.types,
        len(examples.distinct),
        styles_of(people),
    )
    _introduce(console, examples, homes, people)
    stopwatch.lap("input")
    stored = protect_all(cloud, console, tenant_id, people, invalid)
    stopwatch.lap("protect")
    revealed = reveal_all(cloud, console, tenant_id, stored)
    stopwatch.lap("reveal")
    looked_up = look_up_some(cloud, console, tenant_id, homes, stored)
    stopwatch.lap("look up")
    matches, mismatches = verify_some(cloud, console, tenant_id, homes, stored)
    stopwatch.lap("verify")
    again = protect_again(cloud, console, tenant_id, homes, stored)
    stopwatch.lap("protect again")
    longest = max(stored, key=lambda each: len(each.person.example.e164))
    tables = show_tables(cloud, console, tenant_id, longest, examples.distinct, revealed)
    expect(tables.records == len(stored), "RecordKeys has one row for each person's number")
    stopwatch.lap("tables")
    refusals = show_refusals(cloud, console, tenant_id, longest)
    stopwatch.lap("refusals")
    counts = counts_of(cloud.calls[calls_before:], tables.records, stopwatch.seconds())
    show_counts(console, counts)
    console.say()
    console.say("Everything came out as expected.")
    return Report(
        tenant_id=tenant_id,
        input=went_in,
        protected=len(stored),
        refused_as_invalid=len(invalid),
        revealed=len(revealed),
        looked_up=looked_up,
        matches=matches,
        mismatches=mismatches,
        protected_again=again,
        tables=tables,
        refusals=refusals,
        counts=counts,
    )


def _introduce(console: Console, examples: Examples, homes: Sequence[Household], people: Sequence[Person]) -> None:
    console.section(
        "Phone Vault on an embedded AWS",
        "The real template is deployed to an AWS inside this process: nothing leaves the machine. Numbers that you "
        "see in full are libphonenumber's public examples, as they go in; what the vault answers is masked here.",
    )
    styles = len(styles_of(people))
    console.say(
        f"{examples.given:,} examples of {examples.regions} regions, {examples.types} types and the country codes "
        f"without a region: {len(examples.distinct):,} different numbers."
    )
    console.say(
        f"Each is shared by two people who write it differently: {len(people):,} numbers to store, in {styles} styles."
    )
