"""Tokens that are made of a digest."""

import hashlib
import re

from phone_vault.domain.identifiers import TOKEN
from phone_vault.domain.stored_number import new_token, token_of


def test_a_digests_token_looks_like_any_other() -> None:
    token = token_of(bytes(32))
    assert TOKEN.fullmatch(token)
    assert len(token) == len(new_token())


def test_a_digest_has_one_token_and_another_digest_another() -> None:
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(200)]
    assert len({token_of(each) for each in digests}) == 200
    assert token_of(digests[0]) == token_of(digests[0])


def test_a_token_is_25_digits_of_base_36_of_its_digest() -> None:
    assert token_of((35 + 36 * 10).to_bytes(32)) == "tok_za" + "0" * 23


def test_every_character_of_the_alphabet_occurs() -> None:
    tokens = "".join(token_of(hashlib.sha256(bytes([number])).digest())[4:] for number in range(50))
    assert len(set(tokens)) == 36
    assert re.fullmatch(r"[0-9a-z]+", tokens)
