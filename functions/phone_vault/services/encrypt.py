"""Encrypt: a number as a message that the application keeps itself."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from phone_vault.crypto.application_messages import encrypt_number
from phone_vault.crypto.numbers import new_key
from phone_vault.domain.consent import Consent, ConsentEvent
from phone_vault.domain.errors import PurposeNotPermitted
from phone_vault.domain.jurisdiction import Jurisdiction, applicable
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.message_key import FIRST_GENERATION, MessageKey, MessageKeyId
from phone_vault.domain.moments import to_text
from phone_vault.domain.numbering import numbering_facts
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import Demand
from phone_vault.domain.ports import Contended, NewMessageKey, SubjectSaid
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import (
    AskedPurpose,
    check_takes_grants,
    check_unrestricted,
    due_bucket_from,
    ends_at,
    grant,
    is_live,
    merged,
    tightened,
)
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.consent_history import granted_consent
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure

_SURPRISES = 5
"""How often what a transaction meets may change what it has to be."""


@dataclass(frozen=True, slots=True)
class EncryptRequest:
    """What a caller asks of `Encrypt`."""

    tenant_id: str
    subject_id: str
    number: PhoneNumber
    purpose: str
    consent: Consent | None


class _Asked(NamedTuple):
    """The key that a request is about, and the grant that it asks for."""

    key_id: MessageKeyId
    granting: AskedPurpose


class Encrypt(Operation[EncryptRequest]):
    """One message key per subject and purpose; made on first use, made anew once its purpose has ended."""

    name = "Encrypt"
    measure = Measure.ENCRYPTIONS
    mac_keys_from = KeyUse.SUBJECT
    items_at_once = 1  # an item may make the key that the next one uses

    def read(self, reader: RequestReader) -> EncryptRequest:
        """`subject_id`, `number`, `purpose`; optional `tenant_id`, `region`, `consent`."""
        request = EncryptRequest(
            reader.tenant_id(), reader.subject_id(), reader.number(), reader.purpose(), reader.consent()
        )
        if request.consent is not None and self.policy.takes_no_consent(request.purpose):
            reader.refuse("/consent", "a consent is given for a purpose that does not rest on consent")
        reader.finish()
        return request

    def demand(self, request: EncryptRequest) -> Demand:
        """The purpose."""
        return Demand(self.name, request.tenant_id, (request.purpose,))

    def perform(self, items: Sequence[Item[EncryptRequest]], now: datetime) -> list[Outcome]:
        """A read, and a write: of the entry alone, or with the key that it made or changed."""
        outcomes = []
        for item in items:
            asked = self.settle(item, partial(self._asked, now))
            if isinstance(asked, Outcome):
                outcome = asked
            else:
                about = item.of_subject(asked.key_id.subject_ref)
                outcome = self.settle(about, partial(self._encrypt, about, asked, now))
            if outcome.refusal is not None:
                self.trail.record([outcome.event])
            outcomes.append(outcome)
        return outcomes

    def _asked(self, now: datetime, request: EncryptRequest) -> _Asked:
        granting = AskedPurpose(self.policy.purpose(request.purpose), request.consent)
        if not self.key_ring.knows(request.tenant_id):
            # Refused here, a request makes no keys for a tenant that has none.
            grant(granting.purpose, granting.consent, self._jurisdictions(request), now)
            self.key_ring.ensure(request.tenant_id)
        subject_ref = self.key_ring.subject_ref(request.tenant_id, request.subject_id)
        return _Asked(MessageKeyId(request.tenant_id, subject_ref, request.purpose), granting)

    def _encrypt(self, item: Item[EncryptRequest], asked: _Asked, now: datetime, request: EncryptRequest) -> Outcome:
        key_id, granting = asked
        before = self.numbers.message_keys({key_id}).get(key_id)
        if before is None or isinstance(before, Tombstone):
            return self._first(item, asked, before, now, request)
        # A further jurisdiction may end what was live until now, and so the messages made until now.
        tight = tightened(before, self._jurisdictions(request), self.policy)
        try:
            after = merged(tight, [granting], self.policy, now)
        except PurposeNotPermitted:
            check_unrestricted(before)  # which comes before it, and behind a consent that is missing
            raise
        check_takes_grants(before)
        after, plain_key = self._keyed(before, after, was_live=is_live(tight, request.purpose, self.policy, now))
        outcome = self._outcome(item, request, after, plain_key)
        if after == before:
            self.trail.record([outcome.event])
        else:
            consents = self._consents(granting, after, before, now)
            with self.trail.writing([outcome.event]) as [entry]:
                self.numbers.update_message_key(after, due_bucket_from(after, self.policy, now), entry, consents)
        return outcome

    def _first(
        self,
        item: Item[EncryptRequest],
        asked: _Asked,
        tombstone: Tombstone | None,
        now: datetime,
        request: EncryptRequest,
    ) -> Outcome:
        """A key where there is none, or none any more. What was said of the subject is learned when it is stored."""
        key_id, granting = asked
        made, plain_key = self._made(key_id, request, granting, now)
        if tombstone is not None and tombstone.generation is not None:
            # Its revision goes on as well: whoever has read the key that was here before must not write over this one.
            made = replace(made, generation=tombstone.generation + 1, revision=tombstone.revision + 1)
        subject = Subject(SubjectId(key_id.tenant_id, key_id.subject_ref))
        for _ in range(_SURPRISES):
            key = replace(made, standing=subject.standing)
            outcome = self._outcome(item, request, key, plain_key)
            new = NewMessageKey(
                key,
                due_bucket_from(key, self.policy, now),
                subject,
                tombstone,
                self._consents(granting, key, None, now),
            )
            try:
                with self.trail.writing([outcome.event]) as [entry]:
                    self.numbers.add_message_key(new, entry)
            except SubjectSaid as said:
                subject = said.subject
                subject.check_consent(key_id.purpose, granting.consent.given_at if granting.consent else None)
                subject.check_takes_numbers()
                continue
            return outcome
        raise Contended("the subject changes too often")

    def _consents(
        self, asked: AskedPurpose, after: MessageKey, before: MessageKey | None, now: datetime
    ) -> tuple[ConsentEvent, ...]:
        """The consent of the request, if the key's grant now rests on it and did not before."""
        name = asked.purpose.name
        is_known = before is not None and before.grants[name].consent == asked.consent
        if asked.consent is None or is_known or after.grants[name].consent != asked.consent:
            return ()
        return (granted_consent(self.policy, asked.purpose, asked.consent, after, now),)

    def _made(
        self, key_id: MessageKeyId, request: EncryptRequest, asked: AskedPurpose, now: datetime
    ) -> tuple[MessageKey, SecretKey]:
        jurisdictions = self._jurisdictions(request)
        granted = grant(asked.purpose, asked.consent, jurisdictions, now)
        plain_key = new_key()
        wrapped = self.record_keys.wrap(plain_key, key_id.tenant_id, key_id.name)
        message_key = MessageKey(
            key_id=key_id,
            generation=FIRST_GENERATION,
            subject_id=request.subject_id,
            created_at=now,
            revision=1,
            wrapped_key=wrapped.wrapped,
            branch_key_version=wrapped.branch_key_version,
            kms_key=wrapped.kms_key,
            jurisdictions=jurisdictions,
            grants={key_id.purpose: granted},
            last_used={},
        )
        return message_key, plain_key

    def _jurisdictions(self, request: EncryptRequest) -> tuple[Jurisdiction, ...]:
        country = numbering_facts(request.number).country
        return applicable(self.policy.default_jurisdiction, request.number, country)

    def _keyed(self, before: MessageKey, after: MessageKey, *, was_live: bool) -> tuple[MessageKey, SecretKey]:
        """With the key of before while its purpose has not ended, else with one of the next generation."""
        if was_live:
            return after, self.record_keys.unwrap(before)
        if before.standing.is_held:
            # What a hold keeps is not destroyed by a new key: older messages are refused by their generation alone.
            return replace(after, generation=before.generation + 1), self.record_keys.unwrap(before)
        plain_key = new_key()
        wrapped = self.record_keys.wrap(plain_key, before.tenant_id, before.name)
        renewed = replace(
            after,
            generation=before.generation + 1,
            wrapped_key=wrapped.wrapped,
            branch_key_version=wrapped.branch_key_version,
            kms_key=wrapped.kms_key,
        )
        return renewed, plain_key

    def _outcome(
        self, item: Item[EncryptRequest], request: EncryptRequest, key: MessageKey, plain_key: SecretKey
    ) -> Outcome:
        message = encrypt_number(request.number, plain_key, key.key_id, key.generation)
        answer = {
            "message": base64.b64encode(message).decode(),
            "expires_at": to_text(ends_at(key, request.purpose, self.policy)),
        }
        return item.answered("encrypted", answer)
