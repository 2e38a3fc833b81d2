"""Many callers of everything over few numbers: in the end all tables tell one story."""

import random
import time
from collections import Counter

import pytest

from tests.integration.support.numbers import AMERICAN, BRITISH, example
from tests.integration.support.threads import at_once
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import Sent

NUMBERS = (BRITISH, AMERICAN, example("DE"))
SUBJECTS = ("s-0", "s-1", "s-2")
PURPOSES = ("account_security", "delivery", "fraud")
THREADS = 8
STEPS = 12


Granted = set[tuple[str, str, str]]
"""Token, subject and purpose."""


@pytest.fixture(scope="module")
def raced(granted: Granted) -> str:
    """The tenant after the race."""
    return "raced"


@pytest.fixture(scope="module")
def granted(vault: Vault) -> Granted:
    """What the race was told that it has stored."""
    tenant = "raced"
    known: list[tuple[str, str]] = []
    stored: Granted = set()

    def caller(number: int) -> Counter[str | None]:
        chance = random.Random(number)
        problems: Counter[str | None] = Counter()
        for _ in range(STEPS):
            phone = chance.choice(NUMBERS)
            subject, purpose = chance.choice(SUBJECTS), chance.choice(PURPOSES)
            verb = chance.choice(("protect", "protect", "reveal", "lookup", "verify"))
            if verb == "protect" or not known:
                answer = vault.protect(tenant, subject, phone, {purpose: {}})
                known.append((answer["token"], phone))
                stored.add((answer["token"], subject, purpose))
            elif verb == "lookup":
                answer = vault.lookup(tenant, phone, purpose)
            else:
                token, phone = chance.choice(known)
                answer = (vault.reveal if verb == "reveal" else vault.verify)(
                    tenant,
                    token,
                    **({"purpose": purpose} if verb == "reveal" else {"number": phone, "purpose": purpose}),
                )
                assert answer.get("match", True) is True
                assert answer.get("number", canonical(phone)) == canonical(phone)
            problems[problem(answer)] += 1
        return problems

    def delay(_sent: Sent, _ordinal: int) -> None:
        """So that others get in between a read and the write that it leads to."""
        time.sleep(random.uniform(0, 0.01))

    with vault.wire.failing(delay):
        problems = sum(at_once(THREADS, caller), Counter[str | None]())
    assert problems.keys() <= {None, "purpose-not-permitted"}
    return stored


def canonical(number: str) -> str:
    return "+" + "".join(character for character in number if character.isdigit())


def test_each_subject_has_each_number_at_most_once(vault: Vault, raced: str) -> None:
    found = Counter(
        (number, match["subject_id"])
        for number in NUMBERS
        for purpose in PURPOSES
        for match in {each["token"]: each for each in vault.lookup(raced, number, purpose)["matches"]}.values()
    )
    tokens = {
        (number, each["subject_id"], each["token"])
        for number in NUMBERS
        for purpose in PURPOSES
        for each in vault.lookup(raced, number, purpose)["matches"]
    }
    assert len(tokens) == len(found)


def test_no_purpose_that_was_granted_is_lost(vault: Vault, raced: str, granted: Granted) -> None:
    found = {
        (match["token"], match["subject_id"], purpose)
        for number in NUMBERS
        for purpose in PURPOSES
        for match in vault.lookup(raced, number, purpose)["matches"]
    }
    assert found == granted


def test_records_messages_index_entries_and_memberships_name_the_same_tokens(vault: Vault, raced: str) -> None:
    records = {row["record_id"]["S"] for row in vault.rows("RecordKeys", raced)}
    assert {row["record_id"]["S"] for row in vault.rows("Numbers", raced)} == records
    assert {f"{raced}#{row['token']['S']}" for row in vault.rows("LookupIndex", raced)} == records
    assert {f"{raced}#{row['member']['S'].removeprefix('t#')}" for row in vault.rows("Subjects", raced)} == records


def test_every_token_reveals_the_number_that_finds_it(vault: Vault, raced: str) -> None:
    for number in NUMBERS:
        for purpose in PURPOSES:
            for match in vault.lookup(raced, number, purpose)["matches"]:
                assert vault.reveal(raced, match["token"], purpose)["number"] == canonical(number)


def test_the_trail_is_whole(vault: Vault, raced: str) -> None:
    assert not vault.broken_entries()


def test_the_trail_has_an_entry_for_each_creation(vault: Vault, raced: str) -> None:
    created = [each for each in vault.entries() if each["outcome"] == "created" and each.get("tenant_id") == raced]
    assert len(created) == len(vault.rows("RecordKeys", raced))
