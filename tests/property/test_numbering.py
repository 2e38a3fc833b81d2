"""Canonicalisation on input of every kind."""

import re

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from phone_vault.domain.errors import IdentifierNotPseudonymous, InvalidNumber
from phone_vault.domain.free_text import fault_of
from phone_vault.domain.identifiers import check_pseudonymous
from phone_vault.domain.numbering import parse_number
from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import BRITISH, example_numbers

examples = st.sampled_from([phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in example_numbers()])
punctuation = st.text(" ()-./[]~\xa0\N{EN DASH}", max_size=2)
separators = st.text("_.:-", max_size=3)


def interspersed(draw: st.DrawFn, text: str, between: st.SearchStrategy[str]) -> str:
    """The text with something drawn after each character."""
    return "".join(character + draw(between) for character in text)


@st.composite
def punctuated(draw: st.DrawFn) -> tuple[str, str]:
    """An example's E.164 form, and the same with punctuation wherever it falls."""
    e164 = draw(examples)
    return e164, interspersed(draw, e164, punctuation)


def canonical(text: str) -> PhoneNumber | None:
    """None for what is refused."""
    try:
        return parse_number(text)
    except InvalidNumber:
        return None


@given(punctuated())
def test_punctuation_never_changes_which_number_it_is(number: tuple[str, str]) -> None:
    e164, text = number
    read = canonical(text)
    assert read is None or read.disclose() == e164


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    canonical(text)


@given(st.text("+0123456789 ()-~./", max_size=25), st.sampled_from([None, "GB", "US", "IT", "AR", "BR"]))
def test_a_refusal_never_holds_digits(text: str, region: str | None) -> None:
    told = ""
    try:
        parse_number(text, region)
    except InvalidNumber as refusal:
        told = str(refusal)
    assert not re.search(r"[0-9]", told)


@given(examples)
def test_the_canonical_form_is_its_own_canonical_form(e164: str) -> None:
    number = parse_number(e164)
    assert parse_number(number.disclose()) == number


@given(st.data(), st.sampled_from(["7400123456", "07400123456", "447400123456", "00447400123456"]))
def test_separators_do_not_make_a_number_a_pseudonym(data: st.DataObject, spelling: str) -> None:
    subject_id = "".join(digit + data.draw(separators) for digit in spelling)
    try:
        check_pseudonymous(subject_id, number=BRITISH, written=["+44 7400 123456"])
    except IdentifierNotPseudonymous:
        return
    raise AssertionError("taken for a pseudonym")


@given(st.data())
def test_nothing_between_its_digits_hides_the_request_s_number_in_a_text(data: st.DataObject) -> None:
    between = st.text(st.characters(exclude_categories=["Nd", "No", "Nl", "Cs"]), max_size=3)
    text = "".join(digit + data.draw(between) for digit in "7400123456")
    assert fault_of(text, BRITISH) is not None


@given(examples, st.integers(0, 15))
def test_a_mask_and_its_number_differ_only_in_stars(e164: str, visible_suffix: int) -> None:
    mask = parse_number(e164).masked(visible_suffix)
    assert len(mask) == len(e164)
    assert all(shown in (digit, "*") for shown, digit in zip(mask, e164, strict=True))
