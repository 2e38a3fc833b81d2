"""Who is in the demonstration: for each example number two people, who write it differently."""

import random
from dataclasses import dataclass

from phone_vault.cli.demonstration.examples import Example, Examples
from phone_vault.cli.demonstration.spellings import Spelling, some_spellings

PEOPLE_PER_NUMBER = 2
_SEED = 2026


@dataclass(frozen=True, slots=True)
class Person:
    """A data subject and the number, as they wrote it."""

    subject_id: str
    example: Example
    spelling: Spelling


@dataclass(frozen=True, slots=True)
class Household:
    """The people who share a number, and a spelling of it that none of them used."""

    people: tuple[Person, ...]
    asked_as: Spelling


def households(examples: Examples) -> list[Household]:
    """The same each time."""
    chance = random.Random(_SEED)  # noqa: S311  repeatable, not secret
    shared = []
    for ordinal, example in enumerate(examples.distinct, 1):
        *theirs, asked_as = some_spellings(example, PEOPLE_PER_NUMBER + 1, chance)
        people = tuple(
            Person(f"person-{ordinal:04}{letter}", example, spelling)
            for letter, spelling in zip("ab", theirs, strict=True)
        )
        shared.append(Household(people, asked_as))
    return shared
