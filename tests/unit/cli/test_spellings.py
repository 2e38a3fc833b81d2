import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import national_significant_number, parse

from phone_vault.cli.demonstration.examples import Example, all_examples
from phone_vault.cli.demonstration.spellings import STYLES, Spelling, some_spellings, spell
from phone_vault.cli.demonstration.subjects import PEOPLE_PER_NUMBER, households
from phone_vault.domain.numbering import parse_number

EXAMPLES = all_examples()

examples = st.sampled_from(EXAMPLES.distinct)
chances = st.integers().map(random.Random)


@given(examples, st.sampled_from(sorted(STYLES)), chances)
def test_every_spelling_reads_back_as_its_number(example: Example, style: str, chance: random.Random) -> None:
    spelling = spell(example, style, chance)
    if spelling is not None:
        parsed = parse(spelling.text, spelling.region)
        assert parsed.country_code == example.number.country_code
        assert national_significant_number(parsed) == national_significant_number(example.number)


@given(examples, st.sampled_from(sorted(STYLES)), chances)
def test_the_vault_reads_every_spelling_as_its_number(example: Example, style: str, chance: random.Random) -> None:
    spelling = spell(example, style, chance)
    if spelling is not None:
        assert parse_number(spelling.text, spelling.region).disclose() == example.e164


def test_a_spelling_that_reads_as_another_number_is_left_out() -> None:
    swiss = next(each for each in EXAMPLES.distinct if each.region == "CH")
    other = Example(swiss.number, "US")
    assert spell(swiss, "national", random.Random(0)) is not None
    assert spell(other, "national", random.Random(0)) is None


@pytest.mark.parametrize("style", STYLES)
def test_every_style_can_be_written_for_some_number(style: str) -> None:
    assert any(spell(example, style, random.Random(0)) for example in EXAMPLES.distinct)


@given(examples, chances)
def test_spellings_of_one_number_differ(example: Example, chance: random.Random) -> None:
    spellings = some_spellings(example, 5, chance)
    assert len({each.text for each in spellings}) == len(spellings) == 5


def test_examples_are_of_every_region_and_about_a_thousand() -> None:
    assert EXAMPLES.regions == 245
    assert len({each.e164 for each in EXAMPLES.distinct}) == len(EXAMPLES.distinct) > 900
    assert any(not each.is_geographic for each in EXAMPLES.distinct)


def test_the_people_and_what_they_write_are_the_same_each_time() -> None:
    assert households(EXAMPLES) == households(EXAMPLES)


def test_everybody_has_a_subject_id_and_a_text_of_their_own() -> None:
    homes = households(EXAMPLES)
    people = [person for home in homes for person in home.people]
    assert len({person.subject_id for person in people}) == len(people) == PEOPLE_PER_NUMBER * len(homes)
    for home in homes:
        texts = [person.spelling.text for person in home.people] + [home.asked_as.text]
        assert len(set(texts)) == len(texts)


def test_what_a_terminal_does_not_show_is_escaped() -> None:
    assert Spelling("", "+1\N{NO-BREAK SPACE}2\t3", "US").shown() == r"+1\xa02\t3 (US)"
