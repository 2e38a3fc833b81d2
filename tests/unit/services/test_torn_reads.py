"""A record key and a message that were read in one request and are not of one moment."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import pytest

from phone_vault.crypto.numbers import encrypt_number, new_key
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.ports import RecordId
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.tombstone import Tombstone
from tests.unit.samples import BRITISH
from tests.unit.services.world import World

Read = tuple[Mapping[RecordId, StoredNumber | Tombstone], Mapping[RecordId, bytes]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def token(world: World) -> str:
    number = {"subject_id": "subject-a", "number": BRITISH.disclose(), "purposes": {"security": {}}}
    answer = world.call("Protect", number)
    return str(answer["token"])


def torn(world: World, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Key and message are read as they are; then this happens, once, and the messages are read again."""
    numbers, whole = world.numbers, world.numbers.records_and_messages

    def read(record_ids: Collection[RecordId]) -> Read:
        monkeypatch.setattr(numbers, "records_and_messages", whole)
        records, _ = whole(record_ids)
        meanwhile()
        return records, whole(record_ids)[1]

    monkeypatch.setattr(numbers, "records_and_messages", read)


def re_encrypt(world: World, token: str) -> None:
    """What the job does: another record key, another message."""
    record = world.tables.records[RecordId("default", token)]
    key = new_key()
    wrapped = world.functions["Protect"].record_keys.wrap(key, "default", token)
    world.tables.write(record, wrapped_key=wrapped.wrapped)
    world.tables.messages[RecordId("default", token)] = encrypt_number(BRITISH, key, "default", token)


def reveal(world: World, token: str) -> str:
    return str(world.call("Reveal", {"token": token, "purpose": "security"})["number"])


def test_a_number_that_is_encrypted_anew_in_between_is_read_again(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn(world, monkeypatch, lambda: re_encrypt(world, token))
    assert reveal(world, token) == BRITISH.disclose()


def test_a_number_that_goes_in_between_is_not_there(world: World, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torn(world, monkeypatch, lambda: world.tables.erase(RecordId("default", token)))
    assert world.problem("Reveal", {"token": token, "purpose": "security"}) == "not-found"


def test_a_message_that_does_not_fit_an_unchanged_key_is_a_fault(
    world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_id = RecordId("default", token)
    before = world.tables.records[record_id]
    re_encrypt(world, token)
    world.tables.records[record_id] = replace(before, revision=before.revision)
    with pytest.raises(TamperedStore):
        reveal(world, token)
