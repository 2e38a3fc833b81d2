import pytest

from phone_vault.cli.demonstration.invalid import Invalid, all_invalid
from phone_vault.domain.errors import InvalidNumber
from phone_vault.domain.numbering import parse_number

INVALID = all_invalid()


@pytest.mark.parametrize("invalid", INVALID, ids=lambda each: each.spelling.shown())
def test_what_is_no_number_is_refused_with_its_reason(invalid: Invalid) -> None:
    with pytest.raises(InvalidNumber) as refusal:
        parse_number(invalid.spelling.text, invalid.spelling.region)
    assert str(refusal.value) == invalid.detail


def test_every_kind_of_bad_input_is_there() -> None:
    kinds = {each.spelling.style for each in INVALID}
    assert kinds >= {
        "too short",
        "too long",
        "unassigned",
        "letters",
        "extension",
        "digits of another script",
        "control characters",
    }
