"""Verify: whether a token stands for a number, without decrypting it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from phone_vault.crypto import macs
from phone_vault.domain.audit import Event
from phone_vault.domain.errors import Conflict, Fault, InvalidRequest, NotFound, TamperedStore
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import Demand
from phone_vault.domain.ports import RecordId
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import check_permitted
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.services.index_positions import checked_position
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What a caller asks of `Verify`."""

    record_id: RecordId
    number: PhoneNumber
    purpose: str
    reason: str | None


class Verify(Operation[VerifyRequest]):
    """Compares blind indexes; it never holds a key that decrypts."""

    name = "Verify"
    measure = Measure.VERIFICATIONS

    def read(self, reader: RequestReader) -> VerifyRequest:
        """`token`, `number`, `purpose`; optional `tenant_id`, `region`, `reason`."""
        record_id = RecordId(reader.tenant_id(), reader.token())
        request = VerifyRequest(record_id, reader.number(), reader.purpose(), reader.reason())
        reader.finish()
        return request

    def demand(self, request: VerifyRequest) -> Demand:
        """The purpose."""
        return Demand(self.name, request.record_id.tenant_id, (request.purpose,))

    def describe(self, request: VerifyRequest, event: Event) -> Event:
        """The reason."""
        return replace(event, reason=request.reason)

    def perform(self, items: Sequence[Item[VerifyRequest]], now: datetime) -> list[Outcome]:
        """One read, the comparisons, one write of the entries."""
        records = self.numbers.records({item.request.record_id for item in items if item.request is not None})

        def verify(item: Item[VerifyRequest], request: VerifyRequest) -> Outcome:
            if not self.policy.tenant(request.record_id.tenant_id).index:
                raise InvalidRequest([Fault("/tenant_id", "the tenant keeps no index: nothing can be verified")])
            record = records.get(request.record_id)
            if record is None:
                raise NotFound("the tenant has no such token")
            check_permitted(record, request.purpose, self.policy, now)
            if not record.index_positions:
                raise Conflict("the number was stored while its tenant kept no index")
            match = self._matches(record, request.number)
            outcome = "match" if match else "mismatch"
            return item.answered(outcome, {"match": match})

        named = [item.about(records.get(item.request.record_id)) if item.request else item for item in items]
        outcomes = [self.settle(item, partial(verify, item)) for item in named]
        self.trail.record([outcome.event for outcome in outcomes])
        return outcomes

    def _matches(self, record: StoredNumber, number: PhoneNumber) -> bool:
        for version, index_key in self.key_ring.index_keys(record.tenant_id).items():
            if version in record.index_positions:
                position = checked_position(record, version, index_key)
                return macs.equal(position.blind_index, macs.blind_index(index_key, record.tenant_id, number))
        raise TamperedStore("a record stands in no live version of the index")
