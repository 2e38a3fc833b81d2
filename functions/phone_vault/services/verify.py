"""Verify: whether a token stands for a number, without decrypting it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from phone_vault.crypto import macs
from phone_vault.domain.errors import Conflict, Fault, InvalidRequest, QuotaExceeded, TamperedStore
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import Demand
from phone_vault.domain.ports import RecordId
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import check_permitted
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.finding import NO_SUCH_TOKEN, found
from phone_vault.services.index_positions import checked_position
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure

_MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What a caller asks of `Verify`."""

    record_id: RecordId
    number: PhoneNumber
    purpose: str


class Verify(Operation[VerifyRequest]):
    """Compares blind indexes; it never holds a key that decrypts."""

    name = "Verify"
    serves_legal_holds = True
    measure = Measure.VERIFICATIONS

    def read(self, reader: RequestReader) -> VerifyRequest:
        """`token`, `number`, `purpose`; optional `tenant_id`, `region`."""
        record_id = RecordId(reader.tenant_id(), reader.token())
        request = VerifyRequest(record_id, reader.number(), reader.purpose())
        reader.finish()
        return request

    def demand(self, request: VerifyRequest) -> Demand:
        """The purpose."""
        return Demand(self.name, request.record_id.tenant_id, (request.purpose,))

    def perform(self, items: Sequence[Item[VerifyRequest]], now: datetime) -> list[Outcome]:
        """One read, the comparisons, one count for each token, one write of the entries."""
        records = self.numbers.records({item.request.record_id for item in items if item.request is not None})
        named = [item.about(records.get(item.request.record_id)) if item.request else item for item in items]
        compared = [self.settle(item, partial(self._compare, item, records, now)) for item in named]
        mismatches = Counter[RecordId]()
        for item, outcome in zip(named, compared, strict=True):
            if item.request is not None and item.request.record_id in records and self._keeps_an_index(item.request):
                mismatches[item.request.record_id] += _is_mismatch(outcome)
        left = {
            record_id: self.quotas.mismatches_left(record_id, count, now) for record_id, count in mismatches.items()
        }
        outcomes = [
            self.settle(item, partial(self._tell, outcome, left)) for item, outcome in zip(named, compared, strict=True)
        ]
        self.trail.record([outcome.event for outcome in outcomes])
        return outcomes

    def _compare(
        self,
        item: Item[VerifyRequest],
        records: Mapping[RecordId, StoredNumber | Tombstone],
        now: datetime,
        request: VerifyRequest,
    ) -> Outcome:
        if not self._keeps_an_index(request):
            raise InvalidRequest([Fault("/tenant_id", "the tenant keeps no index: nothing can be verified")])
        self.key_ring.refuse_off_boarded(request.record_id.tenant_id)
        record = found(records.get(request.record_id), NO_SUCH_TOKEN, self.policy, now)
        check_permitted(record, request.purpose, item.event.reason, self.policy, now)
        if not record.index_positions:
            raise Conflict("the number was stored while its tenant kept no index")
        match = self._matches(record, request.number)
        return item.answered("match" if match else _MISMATCH, {"match": match})

    def _keeps_an_index(self, request: VerifyRequest) -> bool:
        return self.policy.tenant(request.record_id.tenant_id).index

    def _tell(self, outcome: Outcome, left: dict[RecordId, int], request: VerifyRequest) -> Outcome:
        """Nothing once the token has no mismatch left, of a match neither: otherwise guessing would go on."""
        if left.get(request.record_id) == 0:
            raise QuotaExceeded("too many mismatches on this token; it can be asked about again in the next full hour")
        if _is_mismatch(outcome):
            left[request.record_id] -= 1
        return outcome

    def _matches(self, record: StoredNumber, number: PhoneNumber) -> bool:
        found = self.key_ring.index_key_of(record.tenant_id, record.index_positions.keys())
        if found is None:
            raise TamperedStore("a record stands in no live version of the index")
        version, index_key = found
        position = checked_position(record, version, index_key)
        return macs.equal(position.blind_index, macs.blind_index(index_key, record.tenant_id, number))


def _is_mismatch(outcome: Outcome) -> bool:
    return outcome.event.outcome == _MISMATCH
