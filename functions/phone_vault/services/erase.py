"""Erase: the keys of a number, or of all that is stored of a subject, are destroyed, and a receipt proves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from phone_vault.domain.right_requests import RightReader
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.erasures import Erasures
from phone_vault.services.finding import NO_SUCH_TOKEN, found
from phone_vault.services.operation import Ports
from phone_vault.services.right import Deed, Right, RightRequest, RightStores
from phone_vault.services.tally import Measure


@dataclass(frozen=True, slots=True)
class EraseRequest(RightRequest):
    """What a caller asks of `Erase`."""


class Erase(Right[EraseRequest]):
    """What is held stays until its last hold goes, unusable."""

    name = "Erase"
    measure = Measure.ERASURES

    def __init__(self, stores: RightStores, erasures: Erasures, **ports: Unpack[Ports]) -> None:
        super().__init__(stores, **ports)
        self._erasures = erasures

    def ask(self, reader: RightReader) -> EraseRequest:
        """`subject_id` or `token`, `reason`; optional `tenant_id`."""
        request = EraseRequest(reader.whom())
        reader.require_reason()
        reader.finish()
        return request

    def of_number(self, deed: Deed, record: StoredNumber, request: EraseRequest) -> dict[str, Any]:
        """The number alone, whatever else the subject has."""
        del request
        deed.says("erased")
        return _answer(self._erasures.erase_number(deed, record))

    def of_tombstone(self, deed: Deed, tombstone: Tombstone, request: EraseRequest) -> dict[str, Any]:
        """While it speaks: an earlier call may have been stopped."""
        del request
        if not tombstone.speaks(self.policy.tombstone_days, deed.now):
            found(tombstone, NO_SUCH_TOKEN, self.policy, deed.now)
        deed.says("erased")
        return _answer(self._erasures.erase_number(deed, tombstone))

    def of_subject(self, deed: Deed, subject_id: SubjectId, request: EraseRequest) -> dict[str, Any]:
        """All numbers and message keys."""
        del request
        deed.says("erased")
        return _answer(self._erasures.erase_subject(deed, subject_id))

    def of_nobody(self, deed: Deed, request: EraseRequest) -> dict[str, Any]:
        """A receipt of nothing."""
        del request
        deed.says("erased")
        return _answer(self._erasures.erase_nothing(deed))


def _answer(receipt: Mapping[str, Any]) -> dict[str, Any]:
    return {"receipt": dict(receipt), **{name: receipt[name] for name in ("erased", "message_keys", "blocked")}}
