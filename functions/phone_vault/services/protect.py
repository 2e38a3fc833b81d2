"""Protect: a token for a number, and the number encrypted; or the token that it has already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from phone_vault.crypto import macs
from phone_vault.crypto.numbers import encrypt_number, new_key
from phone_vault.domain.consent import Consent, ConsentEvent
from phone_vault.domain.errors import Conflict, ConsentRequired, Erased, PurposeNotPermitted, TamperedStore
from phone_vault.domain.jurisdiction import Jurisdiction, applicable
from phone_vault.domain.moments import to_text
from phone_vault.domain.numbering import RELEASE, NumberingFacts, numbering_facts
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import Demand
from phone_vault.domain.ports import AlreadyStored, Contended, NewNumber, RecordId, SubjectSaid, TokenTaken
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import (
    AskedPurpose,
    check_takes_grants,
    check_unrestricted,
    due_bucket_from,
    grant,
    live_purposes,
    merged,
    tightened,
)
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.stored_number import Grant, StoredNumber, new_token, token_of
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.consent_history import granted_consent
from phone_vault.services.index_positions import blind_indexes, bound_to, check_entry, checked_position
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure

_SURPRISES = 5
"""How often what a transaction meets may change what it has to be."""


@dataclass(frozen=True, slots=True)
class ProtectRequest:
    """What a caller asks of `Protect`."""

    tenant_id: str
    subject_id: str
    number: PhoneNumber
    purposes: Mapping[str, Consent | None]
    jurisdiction: Jurisdiction | None
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request with what policy and numbering plan say of it."""

    request: ProtectRequest
    facts: NumberingFacts
    asked: tuple[AskedPurpose, ...]
    jurisdiction: Jurisdiction

    def jurisdictions(self) -> tuple[Jurisdiction, ...]:
        """The declared one, and the one that the number suggests."""
        return applicable(self.jurisdiction, self.request.number, self.facts.country)

    def grants(self, now: datetime) -> dict[str, Grant]:
        """What a new record is granted; `ConsentRequired`."""
        jurisdictions = self.jurisdictions()
        return {each.purpose.name: grant(each.purpose, each.consent, jurisdictions, now) for each in self.asked}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the tenant's keys put a request: its subject, and its number in each live version of the index."""

    subject_ref: str
    token: str
    """Of the record, if it is a new one. With an idempotency key it is the same at every attempt."""
    index_keys: Mapping[int, SecretKey]
    blind_indexes: Mapping[int, bytes]


class Protect(Operation[ProtectRequest]):
    """A new number is one transaction and no read. What exists already is merged: a read and a write more.

    With an index, the subject's number is found again by itself; an idempotency key finds the record that an earlier
    attempt has stored, whether there is an index or not. Where both lead somewhere, the index decides.
    """

    name = "Protect"
    measure = Measure.PROTECTS
    items_at_once = 1  # each is a transaction of its own, in the order of the items

    def read(self, reader: RequestReader) -> ProtectRequest:
        """`subject_id`, `number`, `purposes`; optional `tenant_id`, `region`, `jurisdiction`, `idempotency_key`."""
        request = ProtectRequest(
            reader.tenant_id(),
            reader.subject_id(),
            reader.number(),
            reader.purposes(),
            reader.jurisdiction(),
            reader.idempotency_key(),
        )
        for name, consent in request.purposes.items():
            if consent is not None and self.policy.takes_no_consent(name):
                reader.refuse("/purposes", "a consent is given for a purpose that does not rest on consent")
        reader.finish()
        return request

    def demand(self, request: ProtectRequest) -> Demand:
        """Every purpose."""
        return Demand(self.name, request.tenant_id, tuple(request.purposes))

    def perform(self, items: Sequence[Item[ProtectRequest]], now: datetime) -> list[Outcome]:
        """Store or merge; a refusal is written to the trail by itself, a success in its own transaction."""
        outcomes = []
        for item in items:
            outcome = self.settle(item, partial(self._protect, item, now))
            if outcome.refusal is not None:
                self.trail.record([outcome.event])
            outcomes.append(outcome)
        return outcomes

    def _protect(self, item: Item[ProtectRequest], now: datetime, request: ProtectRequest) -> Outcome:
        wanted = self._wanted(request)
        try:
            grants = wanted.grants(now)
        except ConsentRequired:
            # Only a record that has a live consent already can take the number: look for it.
            if not self.key_ring.knows(request.tenant_id):
                raise  # before keys are made: a refusal changes nothing
            place = self._place(request)
            token = self.numbers.token_at(request.tenant_id, place.blind_indexes, place.subject_ref)
            before = None if token is None else self._read(wanted, token)
            if before is None or isinstance(before, Tombstone):
                raise
            return self._merge_indexed(item, wanted, place, before, now)
        self.key_ring.ensure(request.tenant_id)
        place = self._place(request)
        subject = Subject(SubjectId(request.tenant_id, place.subject_ref))
        dead: frozenset[str] = frozenset()
        for _ in range(_SURPRISES):
            try:
                return self._store(item, wanted, place, grants, subject, dead, now)
            except AlreadyStored as stored:
                before = self._read(wanted, stored.token)
                if not isinstance(before, Tombstone):
                    return self._merge_indexed(item, wanted, place, before, now)
                dead |= {stored.token}  # destroyed, with an entry that has not been swept yet
            except TokenTaken:
                return self._merge_attempted(item, wanted, place, now)
            except SubjectSaid as said:
                subject = said.subject
                for name, consent in request.purposes.items():
                    subject.check_consent(name, consent.given_at if consent else None)
                subject.check_takes_numbers()
        raise Contended("the subject changes too often")

    def _consents(self, wanted: _Wanted, record: StoredNumber, now: datetime) -> tuple[ConsentEvent, ...]:
        """Of the grants that this request has made."""
        return tuple(
            granted_consent(self.policy, each.purpose, each.consent, record, now)
            for each in wanted.asked
            if each.consent is not None and record.grants[each.purpose.name].consent == each.consent
        )

    def _wanted(self, request: ProtectRequest) -> _Wanted:
        return _Wanted(
            request=request,
            facts=numbering_facts(request.number),
            asked=tuple(AskedPurpose(self.policy.purpose(name), consent) for name, consent in request.purposes.items()),
            jurisdiction=request.jurisdiction or self.policy.default_jurisdiction,
        )

    def _place(self, request: ProtectRequest) -> _Place:
        indexed = self.policy.tenant(request.tenant_id).index
        index_keys = self.key_ring.index_keys(request.tenant_id) if indexed else {}
        return _Place(
            token=self._token(request),
            subject_ref=self.key_ring.subject_ref(request.tenant_id, request.subject_id),
            index_keys=index_keys,
            blind_indexes=blind_indexes(index_keys, request.tenant_id, request.number),
        )

    def _token(self, request: ProtectRequest) -> str:
        if request.idempotency_key is None:
            return new_token()
        subject_key = self.key_ring.subject_key(request.tenant_id)
        return token_of(macs.idempotency(subject_key, request.tenant_id, request.subject_id, request.idempotency_key))

    def _store(
        self,
        item: Item[ProtectRequest],
        wanted: _Wanted,
        place: _Place,
        grants: Mapping[str, Grant],
        subject: Subject,
        dead: frozenset[str],
        now: datetime,
    ) -> Outcome:
        request = wanted.request
        token = place.token
        record_key = new_key()
        wrapped = self.record_keys.wrap(record_key, request.tenant_id, token)
        record = StoredNumber(
            tenant_id=request.tenant_id,
            token=token,
            subject_id=request.subject_id,
            subject_ref=place.subject_ref,
            created_at=now,
            revision=1,
            wrapped_key=wrapped.wrapped,
            branch_key_version=wrapped.branch_key_version,
            kms_key=wrapped.kms_key,
            jurisdictions=wanted.jurisdictions(),
            grants=grants,
            last_used={},
            index_positions={},
            standing=subject.standing,
        )
        indexed = bound_to(record, place.index_keys, place.blind_indexes, RELEASE)
        record = replace(record, index_positions=indexed)
        outcome = self._outcome(item, wanted, record, "created", now)
        message = encrypt_number(request.number, record_key, request.tenant_id, token)
        due = due_bucket_from(record, self.policy, now)
        consents = self._consents(wanted, record, now)
        with self.trail.writing([outcome.event]) as [entry]:
            self.numbers.add(NewNumber(record, message, due, subject, dead, consents), entry)
        return outcome

    def _merge_indexed(
        self, item: Item[ProtectRequest], wanted: _Wanted, place: _Place, before: StoredNumber, now: datetime
    ) -> Outcome:
        # While a version is being filled, records of before stand in the older one alone.
        shared = place.index_keys.keys() & before.index_positions.keys()
        if not shared:
            raise TamperedStore("the index names a record that stands in no live version of it")
        for version in shared:
            check_entry(before, place.subject_ref, version, place.index_keys[version], place.blind_indexes[version])
        return self._merge(item, wanted, before, now)

    def _merge_attempted(self, item: Item[ProtectRequest], wanted: _Wanted, place: _Place, now: datetime) -> Outcome:
        before = self._read(wanted, place.token)
        if isinstance(before, Tombstone):
            raise Erased("what this attempt has stored was erased")
        if before.subject_ref != place.subject_ref:
            raise Conflict("the idempotency key leads to a record of another subject")
        if before.index_positions:  # none: whether it is the same number, nothing but the number itself could tell
            for version in place.index_keys.keys() & before.index_positions.keys():
                position = checked_position(before, version, place.index_keys[version])
                if not macs.equal(position.blind_index, place.blind_indexes[version]):
                    raise Conflict("the idempotency key was used for another number of the subject")
        return self._merge(item, wanted, before, now)

    def _read(self, wanted: _Wanted, token: str) -> StoredNumber | Tombstone:
        record_id = RecordId(wanted.request.tenant_id, token)
        record = self.numbers.records({record_id}).get(record_id)
        if record is None:
            raise Contended("the record went between the write and the read")
        return record

    def _merge(self, item: Item[ProtectRequest], wanted: _Wanted, before: StoredNumber, now: datetime) -> Outcome:
        try:
            after = merged(tightened(before, wanted.jurisdictions(), self.policy), wanted.asked, self.policy, now)
        except PurposeNotPermitted:
            check_unrestricted(before)  # which comes before it, and behind a consent that is missing
            raise
        check_takes_grants(before)
        outcome = self._outcome(item, wanted, after, "merged", now)
        if after == before:
            self.trail.record([outcome.event])
        else:
            consents = tuple(each for each in self._consents(wanted, after, now) if _is_news(each, before))
            with self.trail.writing([outcome.event]) as [entry]:
                self.numbers.update(after, due_bucket_from(after, self.policy, now), entry, consents)
        return outcome

    def _outcome(
        self,
        item: Item[ProtectRequest],
        wanted: _Wanted,
        record: StoredNumber,
        outcome: str,
        now: datetime,
    ) -> Outcome:
        ends = live_purposes(record, self.policy, now)
        answer = {
            "token": record.token,
            "created": outcome == "created",
            "masked": wanted.request.number.masked(self.policy.visible_suffix),
            "country": wanted.facts.country,
            "number_type": wanted.facts.number_type,
            "jurisdiction": wanted.jurisdiction,
            "purposes": {purpose: {"expires_at": to_text(end)} for purpose, end in sorted(ends.items())},
            "expires_at": to_text(max(ends.values())),
        }
        return item.answered(outcome, answer, tokens=(record.token,), subject_ref=record.subject_ref)


def _is_news(event: ConsentEvent, before: StoredNumber) -> bool:
    grant = before.grants.get(event.purpose)
    return grant is None or grant.consent != event.consent
