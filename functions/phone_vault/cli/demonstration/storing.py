"""Protecting: everybody's number and, among them, what is no number."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phonenumbers import national_significant_number

from phone_vault.cli.console import Console
from phone_vault.cli.demonstration.batches import call_in_batches
from phone_vault.cli.demonstration.expectation import expect, problem_name
from phone_vault.cli.demonstration.invalid import Invalid
from phone_vault.cli.demonstration.subjects import Person
from phone_vault.domain.phone import PhoneNumber
from phone_vault.local import LocalCloud

PURPOSE = "account_security"
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Stored:
    """A person's number in the vault."""

    person: Person
    token: str


def protect_all(
    cloud: LocalCloud, console: Console, tenant_id: str, people: Sequence[Person], invalid: Sequence[Invalid]
) -> list[Stored]:
    """The invalid ones are spread over the batches: one bad item must not fail the others."""
    console.section(
        "Protect",
        "The vault makes one canonical number of each spelling, encrypts it under a key of its own, and answers a "
        "random token for the application to keep. What is not a valid number is refused, item by item.",
    )
    submitted = _spread(people, invalid)
    answers = call_in_batches(
        cloud,
        console,
        "Protect",
        [_request(each, place) for place, each in enumerate(submitted)],
        {"tenant_id": tenant_id, "purposes": {PURPOSE: {}}},
    )
    stored = []
    for each, answer in zip(submitted, answers, strict=True):
        if isinstance(each, Invalid):
            _check_refused(each, answer)
        else:
            stored.append(Stored(each, _token_of(each, answer)))
    expect(len({each.token for each in stored}) == len(people), "every person's number has a token of its own")
    _show(console, submitted, answers)
    return stored


def styles_of(people: Sequence[Person]) -> dict[str, int]:
    """How many numbers are written in each style."""
    return dict(sorted(Counter(person.spelling.style for person in people).items()))


def _spread(people: Sequence[Person], invalid: Sequence[Invalid]) -> list[Person | Invalid]:
    every = len(people) // len(invalid)
    spread: list[Person | Invalid] = []
    remaining = list(invalid)
    for place, person in enumerate(people):
        spread.append(person)
        if place % every == 0 and remaining:
            spread.append(remaining.pop(0))
    return spread + remaining


def _request(each: Person | Invalid, place: int) -> dict[str, Any]:
    subject_id = f"nobody-{place:04}" if isinstance(each, Invalid) else each.subject_id
    return {"subject_id": subject_id, **each.spelling.request()}


def _check_refused(invalid: Invalid, answer: dict[str, Any]) -> None:
    kind = invalid.spelling.style
    expect(problem_name(answer) == "invalid-number", f"a number of the kind '{kind}' is refused")
    expect(answer["problem"]["detail"] == invalid.detail, f"the refusal of the kind '{kind}' says why")


def _token_of(person: Person, answer: dict[str, Any]) -> str:
    where = f"{person.subject_id} ({person.example.region}, {person.spelling.style})"
    expect("token" in answer, f"the number of {where} is taken, and not refused as {problem_name(answer)}")
    expect(answer["created"], f"the number of {where} is new")
    number = person.example.number
    masked = PhoneNumber(str(number.country_code), national_significant_number(number)).masked()
    expect(answer["masked"] == masked, f"the mask of {where} is of the number that was written")
    return str(answer["token"])


def _show(console: Console, submitted: Sequence[Person | Invalid], answers: Sequence[dict[str, Any]]) -> None:
    taken = [
        (each.spelling.shown(), answer["masked"], answer["country"], answer["number_type"], answer["token"])
        for each, answer in zip(submitted, answers, strict=True)
        if isinstance(each, Person)
    ]
    refused = [
        (each.spelling.shown(), answer["problem"]["detail"])
        for each, answer in zip(submitted, answers, strict=True)
        if isinstance(each, Invalid)
    ]
    console.say(f"{len(taken):,} numbers are stored. Some of them, with what the application gets in return:")
    console.table([("written", "masked", "country", "type", "token"), *taken[:: len(taken) // _SHOWN]])
    console.say()
    console.say(
        f"{len(refused)} texts in the same batches are no numbers. Each is refused as invalid-number, with why:"
    )
    console.table([("written", "why"), *refused])
