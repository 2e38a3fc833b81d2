"""Decrypt: the number of a message that the application has kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from phone_vault.crypto.application_messages import claimed_origin, decrypt_number
from phone_vault.domain.errors import InvalidMessage, NotFound, PurposeNotPermitted
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.message_key import MessageKey, MessageKeyId
from phone_vault.domain.moments import to_text
from phone_vault.domain.policy import Demand, View
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import check_permitted, ends_at, used
from phone_vault.domain.standing import LEGAL_HOLD
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.finding import found
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure

_LONGEST_CALLING_CODE = 3
"""Digits; what follows them is national, whatever the code is, and no numbering plan has to be loaded to know."""
_FOREIGN = "made for another tenant, subject or purpose"
_ENDED = "the purpose has ended, or was granted anew, since the message was made"
_NOTHING = "nothing was encrypted for this subject and purpose"


@dataclass(frozen=True, slots=True)
class DecryptRequest:
    """What a caller asks of `Decrypt`."""

    tenant_id: str
    subject_id: str
    purpose: str
    message: bytes


class Decrypt(Operation[DecryptRequest]):
    """Reads the message key, decides, leaves the audit entry, and only then answers."""

    name = "Decrypt"
    serves_legal_holds = True
    measure = Measure.DECRYPTIONS
    mac_keys_from = KeyUse.SUBJECT
    items_at_once = 50  # one write of at most 50 entries and 50 uses

    def read(self, reader: RequestReader) -> DecryptRequest:
        """`message`, `subject_id`, `purpose`; optional `tenant_id`."""
        request = DecryptRequest(reader.tenant_id(), reader.subject_id(), reader.purpose(), reader.message())
        reader.finish()
        if request.message or not reader.partial:  # the fields that a batch's items share may lack it
            (tenant_id, _, purpose), _ = claimed_origin(request.message)
            is_of_purpose = request.purpose in (purpose, LEGAL_HOLD)
            if not reader.partial and not (is_of_purpose and tenant_id == request.tenant_id):
                raise InvalidMessage(_FOREIGN)
        return request

    def demand(self, request: DecryptRequest) -> Demand:
        """The purpose, and the full number."""
        return Demand(self.name, request.tenant_id, (request.purpose,), View.FULL)

    def perform(self, items: Sequence[Item[DecryptRequest]], now: datetime) -> list[Outcome]:
        """One read, the decisions, and one write: of the entries, and of each key's first use of the day."""
        named = [self.settle(item, self._key_id) for item in items]
        keys = self.numbers.message_keys({each for each in named if not isinstance(each, Outcome)})
        after = dict(keys)

        def decrypt(item: Item[DecryptRequest], key_id: MessageKeyId, request: DecryptRequest) -> Outcome:
            origin, generation = claimed_origin(request.message)
            if origin != key_id:
                raise InvalidMessage(_FOREIGN)
            key = found(after.get(key_id), _NOTHING, self.policy, now)
            self._check(key, request, generation, item.event.reason, now)
            number = decrypt_number(request.message, self.record_keys.unwrap(key), key.key_id, generation)
            item.check_words(number[1 + _LONGEST_CALLING_CODE :])
            after[key_id] = key = used(key, request.purpose, now)
            is_granted = request.purpose in key.grants
            answer = {
                "number": number,
                "expires_at": to_text(ends_at(key, request.purpose, self.policy)) if is_granted else None,
            }
            return item.answered("decrypted", answer)

        outcomes = []
        for item, each in zip(items, named, strict=True):
            if isinstance(each, Outcome):
                outcomes.append(each)
            else:
                about = item.of_subject(each.subject_ref)
                outcomes.append(self.settle(about, partial(decrypt, about, each)))
        uses = [key for key_id, key in after.items() if key is not keys[key_id] and not isinstance(key, Tombstone)]
        self.write([outcome.event for outcome in outcomes], uses)
        return outcomes

    def _key_id(self, request: DecryptRequest) -> MessageKeyId:
        if not self.key_ring.knows(request.tenant_id):
            raise NotFound(_NOTHING)
        subject_ref = self.key_ring.subject_ref(request.tenant_id, request.subject_id)
        (_, _, purpose), _ = claimed_origin(request.message)
        return MessageKeyId(request.tenant_id, subject_ref, purpose)

    def _check(
        self, key: MessageKey, request: DecryptRequest, generation: int, case_id: str | None, now: datetime
    ) -> None:
        # First, although a forged message of an ended purpose goes unnoticed: no key is unwrapped for a purpose that
        # has ended, and once it is purged there is none.
        try:
            check_permitted(key, request.purpose, case_id, self.policy, now)
        except PurposeNotPermitted:
            raise PurposeNotPermitted(_ENDED) from None
        if generation < key.generation and request.purpose != LEGAL_HOLD:
            raise PurposeNotPermitted(_ENDED)
        if generation > key.generation:
            raise InvalidMessage(_FOREIGN)
