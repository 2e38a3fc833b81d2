"""Erasures whose ids somebody has written into rows of others: nobody is answered the receipt of another."""

from dataclasses import replace

import pytest

from phone_vault.crypto.receipts import checked
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.receipts import names_token
from phone_vault.domain.standing import Erasure
from phone_vault.domain.subject import SubjectId
from tests.unit.receipts import file_of
from tests.unit.services.rights_world import NUMBERS, RightsWorld

OTHER = {"subject_id": "cust-2", "reason": "asked for it"}


@pytest.fixture
def world() -> RightsWorld:
    made = RightsWorld()
    made.stored(NUMBERS[0])
    made.call("Erase", {"subject_id": "cust-1", "reason": "gdpr"})
    return made


def names_the_erasure_of_the_first(world: RightsWorld, token: str) -> None:
    """The row of the token's subject."""
    erasure_id = next(iter(world.receipts.texts)).split("#")[1]
    subject = world.subjects.read(SubjectId("default", world.record(token).subject_ref))
    world.subjects.write(replace(subject, erasure=Erasure(erasure_id, world.clock.now())), [])


def test_a_subject_that_names_the_erasure_of_another_gets_a_receipt_of_its_own(world: RightsWorld) -> None:
    (first,) = world.receipts.texts.values()
    token = world.stored(NUMBERS[1], subject="cust-2")
    names_the_erasure_of_the_first(world, token)
    receipt = world.call("Erase", OTHER)["receipt"]
    assert receipt["id"] not in first
    assert receipt["counts"]["stored_numbers"] == 1
    assert names_token(checked(file_of(receipt), world.signer.public_key()), token)


def test_the_receipt_of_another_under_the_name_of_ones_own_is_refused(world: RightsWorld) -> None:
    (first,) = world.receipts.texts.values()
    token = world.stored(NUMBERS[1], subject="cust-2")
    names_the_erasure_of_the_first(world, token)
    world.call("Erase", OTHER)
    name = list(world.receipts.texts)[-1]
    world.receipts.texts[name] = first
    late = world.stored(NUMBERS[2], subject="cust-2")
    names_the_erasure_of_the_first(world, late)
    with pytest.raises(TamperedStore):
        world.call("Erase", OTHER)
