"""Reveal: a number, or its mask, for one purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from phone_vault.crypto.numbers import decrypt_number
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.moments import to_text
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import Demand, View
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import check_permitted, ends_at, used
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.finding import NO_SUCH_TOKEN, found
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure


@dataclass(frozen=True, slots=True)
class RevealRequest:
    """What a caller asks of `Reveal`."""

    record_id: RecordId
    purpose: str
    view: View


class Reveal(Operation[RevealRequest]):
    """Reads record key and message together, decides, leaves the audit entry, and only then answers."""

    name = "Reveal"
    serves_legal_holds = True
    measure = Measure.REVEALS
    mac_keys_from = KeyUse.AUDIT
    items_at_once = 50  # one read of 100 rows, and one write of at most 50 entries and 50 uses

    def read(self, reader: RequestReader) -> RevealRequest:
        """`token`, `purpose`; optional `tenant_id`, `view`."""
        record_id = RecordId(reader.tenant_id(), reader.token())
        request = RevealRequest(record_id, reader.purpose(), reader.view())
        reader.finish()
        return request

    def demand(self, request: RevealRequest) -> Demand:
        """The purpose and the view."""
        return Demand(self.name, request.record_id.tenant_id, (request.purpose,), request.view)

    def perform(self, items: Sequence[Item[RevealRequest]], now: datetime) -> list[Outcome]:
        """One read, the decisions, and one write: of the entries, and of each record's first use of the day."""
        wanted = {item.request.record_id for item in items if item.request is not None}
        records, messages = self.numbers.records_and_messages(wanted)
        after = dict(records)

        def reveal(item: Item[RevealRequest], request: RevealRequest) -> Outcome:
            self.key_ring.refuse_off_boarded(request.record_id.tenant_id)
            record = found(after.get(request.record_id), NO_SUCH_TOKEN, self.policy, now)
            check_permitted(record, request.purpose, item.event.reason, self.policy, now)
            number = self._decrypted(record, messages)
            if request.view is View.FULL:
                # Of somebody who sees a mask alone, such a refusal would confirm guesses, 100 of them in a call.
                item.check_words(number.disclose_parts()[1])
                after[request.record_id] = record = used(record, request.purpose, now)
            return self._outcome(item, request, record, number)

        named = [item.about(records.get(item.request.record_id)) if item.request else item for item in items]
        outcomes = [self.settle(item, partial(reveal, item)) for item in named]
        uses = [
            record
            for record_id, record in after.items()
            if record is not records[record_id] and not isinstance(record, Tombstone)
        ]
        self.write([outcome.event for outcome in outcomes], uses)
        return outcomes

    def _decrypted(self, record: StoredNumber, messages: Mapping[RecordId, bytes]) -> PhoneNumber:
        record_id = RecordId(record.tenant_id, record.token)
        try:
            record_key = self.record_keys.unwrap(record)
            return decrypt_number(messages.get(record_id, b""), record_key, record.tenant_id, record.token)
        except TamperedStore:
            # Key and message are read in one request, which is not one moment: both may have been made anew in between,
            # or destroyed.
            now = self.numbers.records({record_id}).get(record_id)
            if now is None or now.revision != record.revision:
                raise Contended("the record has changed while it was read") from None
            raise

    def _outcome(
        self, item: Item[RevealRequest], request: RevealRequest, record: StoredNumber, number: PhoneNumber
    ) -> Outcome:
        if request.view is View.FULL:
            outcome, shown = "revealed", {"number": number.disclose()}
        else:
            outcome, shown = "masked", {"masked": number.masked(self.policy.visible_suffix)}
        answer = {
            "token": record.token,
            **shown,
            "purpose": request.purpose,
            # What is read for a legal hold alone ends with the hold, and nobody knows when.
            "expires_at": to_text(ends_at(record, request.purpose, self.policy))
            if request.purpose in record.grants
            else None,
        }
        return item.answered(outcome, answer)
