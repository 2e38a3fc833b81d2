"""Lookup: under which tokens a number is stored, for one purpose."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from phone_vault.domain.errors import Fault, InvalidRequest
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.policy import Demand
from phone_vault.domain.ports import RecordId
from phone_vault.domain.requests import RequestReader
from phone_vault.domain.retention import live_purposes
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.index_positions import blind_indexes, check_entry
from phone_vault.services.operation import Item, Operation, Outcome
from phone_vault.services.tally import Measure


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """What a caller asks of `Lookup`."""

    tenant_id: str
    number: PhoneNumber
    purpose: str


@dataclass(frozen=True, slots=True)
class _Hit:
    """A record that the index names, and what it must say of itself if the index is right."""

    record_id: RecordId
    subject_ref: str
    version: int
    index_key: SecretKey
    blind_index: bytes


class Lookup(Operation[LookupRequest]):
    """Asks the blind index, then the records; it never holds a key that decrypts."""

    name = "Lookup"
    measure = Measure.LOOKUPS

    def read(self, reader: RequestReader) -> LookupRequest:
        """`number`, `purpose`; optional `tenant_id`, `region`."""
        request = LookupRequest(reader.tenant_id(), reader.number(), reader.purpose())
        reader.finish()
        return request

    def demand(self, request: LookupRequest) -> Demand:
        """The purpose."""
        return Demand(self.name, request.tenant_id, (request.purpose,))

    def perform(self, items: Sequence[Item[LookupRequest]], now: datetime) -> list[Outcome]:
        """A query per item, one read of all records found, one write of the entries."""
        index_key = cache(self.key_ring.read_index_key)  # for a tenant without keys too: once in a call
        searched = [self.settle(item, partial(self._search, index_key)) for item in items]
        named = {hit.record_id for found in searched if not isinstance(found, Outcome) for hit in found}
        records = self.numbers.records(named)

        def look_up(item: Item[LookupRequest], hits: list[_Hit], request: LookupRequest) -> Outcome:
            matches = self._matches(request, hits, records, now)
            tokens = tuple(each["token"] for each in matches)
            known = records[RecordId(request.tenant_id, tokens[0])].subject_ref if len(tokens) == 1 else None
            return item.answered("looked-up", {"matches": matches}, tokens=tokens, subject_ref=known)

        outcomes = [
            found if isinstance(found, Outcome) else self.settle(item, partial(look_up, item, found))
            for item, found in zip(items, searched, strict=True)
        ]
        self.trail.record([outcome.event for outcome in outcomes])
        return outcomes

    def _search(self, index_key_of: Callable[[str], dict[int, SecretKey]], request: LookupRequest) -> list[_Hit]:
        if not self.policy.tenant(request.tenant_id).index:
            raise InvalidRequest([Fault("/tenant_id", "the tenant keeps no index: its numbers cannot be looked up")])
        self.key_ring.refuse_off_boarded(request.tenant_id)
        hits = []
        index_keys = index_key_of(request.tenant_id)
        for version, blind_index in blind_indexes(index_keys, request.tenant_id, request.number).items():
            for entry in self.numbers.index_entries(request.tenant_id, version, blind_index):
                record_id = RecordId(request.tenant_id, entry.token)
                hits.append(_Hit(record_id, entry.subject_ref, version, index_keys[version], blind_index))
        return hits

    def _matches(
        self,
        request: LookupRequest,
        hits: Sequence[_Hit],
        records: Mapping[RecordId, StoredNumber | Tombstone],
        now: datetime,
    ) -> list[dict[str, Any]]:
        matches = {}
        for hit in hits:
            record = records.get(hit.record_id)
            if record is None or isinstance(record, Tombstone):
                continue  # gone between the query and the read, or destroyed, with an entry that is about to go
            check_entry(record, hit.subject_ref, hit.version, hit.index_key, hit.blind_index)
            live = live_purposes(record, self.policy, now)
            if request.purpose in live and not record.standing.is_restricted:
                matches[record.token] = {
                    "token": record.token,
                    "subject_id": record.subject_id,
                    "purposes": sorted(live),
                }
        return [matches[token] for token in sorted(matches)]
