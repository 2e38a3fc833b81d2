"""A phone number does not show itself."""

import copy
import io
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from phone_vault.domain.phone import PhoneNumber
from tests.unit.samples import AMERICAN, BRITISH

MASK = "+44******3456"

RENDERINGS: dict[str, Callable[[PhoneNumber], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": lambda number: f"{number}",
    "format-as-repr": lambda number: f"{number!r}",
    "format-method": "{}".format,
    "percent-s": lambda number: "%s" % (number,),  # noqa: UP031  one of the ways to print
    "in-a-list": lambda number: str([number]),
    "in-a-dict": lambda number: str({"number": number}),
    "in-an-exception": lambda number: str(ValueError(number)),
    "json": lambda number: json.dumps({"number": number}, default=str),
}


@pytest.mark.parametrize("render", RENDERINGS.values(), ids=list(RENDERINGS))
def test_every_rendering_of_a_number_is_its_mask(render: Callable[[PhoneNumber], str]) -> None:
    rendered = render(BRITISH)
    assert MASK in rendered
    assert "123456" not in rendered


def test_a_number_is_logged_as_its_mask() -> None:
    stream = io.StringIO()
    logger = logging.Logger("masks")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("a number: %s", BRITISH)
    assert stream.getvalue() == f"a number: {MASK}\n"


def test_a_dataclass_with_a_number_shows_the_mask() -> None:
    @dataclass(frozen=True)
    class Request:
        number: PhoneNumber

    assert repr(Request(BRITISH)).endswith(f"number={MASK})")


def test_a_dataclass_with_a_number_is_not_made_into_a_dictionary() -> None:
    @dataclass(frozen=True)
    class Request:
        number: PhoneNumber

    with pytest.raises(TypeError):
        asdict(Request(BRITISH))


def test_a_number_is_not_json_by_itself() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(BRITISH)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_number_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="a PhoneNumber is not serialised"):
        pickle.dumps(BRITISH, protocol)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_number_is_not_copied(duplicate: Callable[[PhoneNumber], PhoneNumber]) -> None:
    with pytest.raises(TypeError, match="a PhoneNumber is not serialised"):
        duplicate(BRITISH)


def test_a_number_is_not_hashed() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(BRITISH)


def test_a_number_has_no_dictionary_of_attributes() -> None:
    with pytest.raises(TypeError):
        vars(BRITISH)


def test_numbers_of_the_same_digits_are_equal() -> None:
    assert PhoneNumber("44", "7400123456") == BRITISH


def test_numbers_of_other_digits_are_not_equal() -> None:
    assert PhoneNumber("44", "7400123457") != BRITISH


def test_a_number_is_not_equal_to_its_digits() -> None:
    assert BRITISH.disclose() != BRITISH


def test_a_number_is_not_equal_to_another_number() -> None:
    assert BRITISH != AMERICAN


def test_disclosing_gives_the_e164_form() -> None:
    assert BRITISH.disclose() == "+447400123456"
