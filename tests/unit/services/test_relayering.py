"""Suppressed numbers are recognised after every change of the key, and by the new key alone."""

import os
from collections.abc import Iterator

import pytest

from phone_vault.crypto import macs
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.ports import Contended
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.suppression import FIRST_LAYER, Suppression
from phone_vault.services.relayering import relayer

KEYS = {version: SecretKey(os.urandom(32)) for version in (1, 2, 3)}
NUMBERS = (PhoneNumber("44", "7400123456"), PhoneNumber("1", "2015550123"))


class MemorySuppressions:
    """The rows of one tenant; fails before the write that a test names."""

    def __init__(self) -> None:
        self.rows = {_digest(number): FIRST_LAYER for number in NUMBERS}
        self.fails_at: int | None = None
        self._writes = 0

    def of_tenant(self, tenant_id: str) -> list[Suppression]:
        return [Suppression(tenant_id, digest, layers) for digest, layers in self.rows.items()]

    def replace(self, before: Suppression, after: Suppression) -> None:
        self._writes += 1
        if self._writes == self.fails_at:
            raise ConnectionError
        if self.rows.get(before.digest) != before.layers:
            raise Contended("gone")
        del self.rows[before.digest]
        self.rows[after.digest] = after.layers


def _digest(number: PhoneNumber) -> bytes:
    return macs.suppression_digest(KEYS[1], "acme", "marketing_sms", number)


def _layers(number: PhoneNumber) -> Iterator[bytes]:
    """What whoever asks for a number asks for."""
    digest = _digest(number)
    yield digest
    for version in (2, 3):
        digest = macs.suppression_layer(KEYS[version], "acme", digest)
        yield digest


@pytest.fixture
def rows() -> MemorySuppressions:
    return MemorySuppressions()


@pytest.mark.parametrize("version", [2, 3])
def test_a_number_is_recognised_under_all_keys_up_to_the_new_one(rows: MemorySuppressions, version: int) -> None:
    relayer(rows, "acme", range(1, version + 1), KEYS.__getitem__)
    assert rows.rows == {list(_layers(number))[version - 1]: version for number in NUMBERS}


def test_nothing_stays_that_the_key_of_before_recognises(rows: MemorySuppressions) -> None:
    relayer(rows, "acme", (1, 2), KEYS.__getitem__)
    assert not rows.rows.keys() & {_digest(number) for number in NUMBERS}


def test_what_is_under_the_key_already_is_left_as_it_is(rows: MemorySuppressions) -> None:
    relayer(rows, "acme", (1, 2), KEYS.__getitem__)
    before = dict(rows.rows)
    assert relayer(rows, "acme", (1, 2), KEYS.__getitem__) == 0
    assert rows.rows == before


@pytest.mark.parametrize("write", [1, 2])
def test_a_number_is_recognised_while_the_layers_are_put_and_after_a_crash(
    rows: MemorySuppressions, write: int
) -> None:
    rows.fails_at = write
    with pytest.raises(ConnectionError):
        relayer(rows, "acme", (1, 2), KEYS.__getitem__)
    assert all(rows.rows.keys() & set(_layers(number)) for number in NUMBERS)
    relayer(rows, "acme", (1, 2), KEYS.__getitem__)
    assert set(rows.rows.values()) == {2}


def test_a_layer_that_another_call_has_put_meanwhile_is_put_once(rows: MemorySuppressions) -> None:
    class Overtaken(MemorySuppressions):
        def of_tenant(self, tenant_id: str) -> list[Suppression]:
            found = super().of_tenant(tenant_id)
            relayer(rows, tenant_id, (1, 2), KEYS.__getitem__)
            self.rows = rows.rows
            return found

    overtaken = Overtaken()
    relayer(overtaken, "acme", (1, 2), KEYS.__getitem__)
    assert sorted(overtaken.rows.values()) == [2, 2]


def test_digests_of_purposes_and_tenants_differ() -> None:
    digests = {
        macs.suppression_digest(KEYS[1], tenant, purpose, NUMBERS[0])
        for tenant in ("acme", "umbrella")
        for purpose in ("marketing_sms", "delivery")
    }
    assert len(digests) == 4
