"""Key material does not show itself."""

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from phone_vault.domain.secret import SecretKey

MATERIAL = bytes(range(64, 96))
KEY = SecretKey(MATERIAL)

RENDERINGS: dict[str, Callable[[SecretKey], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda key: f"{key}",
    "in-a-list": lambda key: str([key]),
    "in-an-exception": lambda key: str(ValueError(key)),
}


@pytest.mark.parametrize("render", RENDERINGS.values(), ids=list(RENDERINGS))
def test_every_rendering_of_a_key_tells_its_length_alone(render: Callable[[SecretKey], str]) -> None:
    rendered = render(KEY)
    assert "SecretKey(32 bytes)" in rendered
    assert "ABC" not in rendered


def test_json_by_default_str_holds_no_key_material() -> None:
    assert json.dumps([KEY], default=str) == '["SecretKey(32 bytes)"]'


def test_a_key_is_not_json_by_itself() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(KEY)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="a SecretKey is not serialised"):
        pickle.dumps(KEY, protocol)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_key_is_not_copied(duplicate: Callable[[SecretKey], SecretKey]) -> None:
    with pytest.raises(TypeError, match="a SecretKey is not serialised"):
        duplicate(KEY)


def test_a_key_is_not_hashed() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(KEY)


def test_a_key_is_not_taken_for_bytes() -> None:
    with pytest.raises(TypeError):
        bytes(KEY)  # type: ignore[call-overload]  # the point


def test_keys_of_the_same_material_are_equal() -> None:
    assert SecretKey(bytes(MATERIAL)) == KEY


def test_keys_of_other_material_are_not_equal() -> None:
    assert SecretKey(MATERIAL[::-1]) != KEY


def test_a_key_is_not_equal_to_its_material() -> None:
    assert KEY != MATERIAL


def test_exposing_gives_the_material() -> None:
    assert KEY.expose() == MATERIAL
