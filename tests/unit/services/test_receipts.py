"""Receipts are issued once under a name, signed, with their audit entry; of many tokens the leaves are elsewhere."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from phone_vault.crypto.receipts import checked, salted
from phone_vault.domain.audit import Event
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.receipts import ReceiptKind, names_token
from phone_vault.services.receipts import Receipts
from tests.fake_off_boarding import MemoryReceiptStore
from tests.fake_signer import MemorySigner
from tests.fakes import Disturbances
from tests.unit.receipts import PURGED, TOKENS, file_of
from tests.unit.services.world import World

EVENT = Event("purged", direct_caller(None), details={"run": "run-1"})
MANY = [f"tok_{number:025}" for number in range(2_001)]


class Office:
    """Where receipts are issued."""

    def __init__(self) -> None:
        self.world = World()
        self.disturbances = Disturbances()
        self.store = MemoryReceiptStore(self.world.log, self.disturbances)
        self.signer = MemorySigner()
        self.receipts = self.instance()

    def instance(self) -> Receipts:
        """With a chain of the audit trail of its own."""
        trail = self.world.ports("Purge", KeyUse.AUDIT)["trail"]
        return Receipts(self.store, self.signer, trail, key_recovery=timedelta(days=7))


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_receipt_is_stored_as_it_is_answered_with_an_entry_that_names_it(office: Office) -> None:
    receipt = office.receipts.issue("purge#1", PURGED, EVENT)
    assert json.loads(office.store.texts["purge#1"]) == receipt
    assert checked(file_of(receipt), office.signer.public_key()) == receipt
    assert office.receipts.stored("purge#1", ReceiptKind.PURGE, None) == receipt
    assert json.loads(office.world.log.entries[-1].text)["details"] == {"run": "run-1", "receipt": receipt["id"]}


def test_of_two_of_one_name_the_first_is_the_receipt(office: Office) -> None:
    first = office.receipts.issue("purge#1", PURGED, EVENT)
    assert office.receipts.issue("purge#1", replace(PURGED, reason="another"), EVENT) == first


def test_one_that_was_edited_or_is_of_something_else_is_no_receipt(office: Office) -> None:
    receipt = office.receipts.issue("purge#1", PURGED, EVENT)
    with pytest.raises(TamperedStore):
        office.receipts.stored("purge#1", ReceiptKind.ERASURE, None)
    with pytest.raises(TamperedStore):
        office.receipts.stored("purge#1", ReceiptKind.PURGE, "acme")
    office.store.texts["purge#1"] = json.dumps({**receipt, "reason": "another"})
    with pytest.raises(TamperedStore):
        office.receipts.stored("purge#1", ReceiptKind.PURGE, None)


def test_one_that_was_issued_under_another_name_is_no_receipt(office: Office) -> None:
    office.receipts.issue("purge#1", PURGED, EVENT)
    office.store.texts["purge#2"] = office.store.texts["purge#1"]
    with pytest.raises(TamperedStore):
        office.receipts.stored("purge#2", ReceiptKind.PURGE, None)
    with pytest.raises(TamperedStore):
        office.receipts.issue("purge#2", PURGED, EVENT)


@pytest.mark.parametrize("part", ["salt", "hash"])
def test_rows_of_leaves_that_were_edited_come_into_no_receipt(office: Office, part: str) -> None:
    receipt = office.receipts.issue("purge#1", replace(PURGED, tokens=salted(MANY)), EVENT)
    row = next(iter(office.store.leaf_rows.values()))
    row[0] = replace(row[0], **{part: bytes(len(getattr(row[0], part)))})
    with pytest.raises(TamperedStore):
        office.receipts.whole(receipt)


def test_of_more_than_1000_tokens_the_leaves_are_in_rows(office: Office) -> None:
    receipt = office.receipts.issue("purge#1", replace(PURGED, tokens=salted(MANY)), EVENT)
    assert "leaves" not in receipt
    assert (receipt["tokens"]["count"], receipt["tokens"]["rows"]) == (2_001, 3)
    whole = office.receipts.whole(receipt)
    assert checked(file_of(whole), office.signer.public_key()) == whole
    assert names_token(whole, MANY[1_500])
    assert not names_token(whole, TOKENS[0])


def test_leaves_that_were_kept_beforehand_are_bound_by_the_root(office: Office) -> None:
    rows = office.receipts.keep_leaves("purge#1", (salted(MANY[at : at + 500]) for at in range(0, 2_001, 500)))
    receipt = office.receipts.issue("purge#1", replace(PURGED, tokens=(), elsewhere=rows), EVENT)
    whole = office.receipts.whole(receipt)
    assert checked(file_of(whole), office.signer.public_key()) == whole
    assert (len(whole["leaves"]), receipt["tokens"]["rows"]) == (2_001, 5)


def test_the_leaves_of_a_call_that_lost_are_not_those_of_the_one_that_won(office: Office) -> None:
    other = replace(PURGED, tokens=salted(MANY[:1_001]))
    office.disturbances.before("receipts.add", lambda: office.instance().issue("purge#1", other, EVENT))
    receipt = office.receipts.issue("purge#1", replace(PURGED, tokens=salted(MANY)), EVENT)
    whole = office.receipts.whole(receipt)
    assert len(whole["leaves"]) == 1_001
    assert checked(file_of(whole), office.signer.public_key()) == whole
