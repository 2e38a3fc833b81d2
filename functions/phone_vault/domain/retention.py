"""When a purpose ends, and what becomes of a record's purposes when its number is protected again.

A purpose has ended as soon as `now >= ends_at`. Days are 86,400 s. The policy enforced is the stricter of the one
stored with the grant and the current one: shortening retention acts at once, lengthening it never silently.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar
from zlib import crc32

from phone_vault.domain.consent import Consent
from phone_vault.domain.errors import Conflict, ConsentRequired, Erased, PurposeNotPermitted, Restricted
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.policy import Purpose, RetentionRule, RetentionStart, VaultPolicy
from phone_vault.domain.standing import LEGAL_HOLD, Ending, Standing
from phone_vault.domain.stored_number import Grant, StoredNumber

Retained = StoredNumber | MessageKey
"""What the policy keeps for a time: a stored number, or the key of an application's messages."""
R = TypeVar("R", StoredNumber, MessageKey)


class Granted(Protocol):
    """Whatever says of a record what it was granted."""

    @property
    def jurisdictions(self) -> tuple[Jurisdiction, ...]: ...
    @property
    def grants(self) -> Mapping[str, Grant]: ...
    @property
    def last_used(self) -> Mapping[str, datetime]: ...
    @property
    def standing(self) -> Standing: ...


class Named(Protocol):
    """Whatever is named in its tenant."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def name(self) -> str: ...


DUE_SHARDS = 16
"""Partitions of a day in the sparse index of what is due, so that no day is one hot partition."""


def ends_at(record: Granted, purpose: str, policy: VaultPolicy) -> datetime:
    """The moment from which the purpose is no longer live. The record must have been granted it."""
    grant = record.grants[purpose]
    end = _end(grant, record.last_used.get(purpose), policy.purposes.get(purpose), record.jurisdictions)
    ended_at = record.standing.ended_at(purpose, grant.granted_at)
    return end if ended_at is None else min(end, ended_at)


def live_purposes(record: Granted, policy: VaultPolicy, now: datetime) -> dict[str, datetime]:
    """The live purposes with their ends."""
    ends = {purpose: ends_at(record, purpose, policy) for purpose in record.grants}
    return {purpose: end for purpose, end in ends.items() if now < end}


def is_live(record: Retained, purpose: str, policy: VaultPolicy, now: datetime) -> bool:
    """Whether the record was granted the purpose and it has not ended."""
    return purpose in record.grants and now < ends_at(record, purpose, policy)


def check_permitted(record: Retained, purpose: str, case_id: str | None, policy: VaultPolicy, now: datetime) -> None:
    """`Erased`, `Restricted` or `PurposeNotPermitted` unless the record may be used for the purpose.

    For `legal_hold` it may if one of its holds is for the case, whatever else was said of it.
    """
    standing = record.standing
    if purpose == LEGAL_HOLD and standing.is_held_for(case_id):
        return
    if standing.erasure is not None:
        raise Erased("the number is being erased")
    if standing.is_restricted:
        raise Restricted("the number is kept, and its use is restricted")
    if not is_live(record, purpose, policy, now):
        raise PurposeNotPermitted("the number is not stored for this purpose, or no longer")


def due_bucket(record: Retained, policy: VaultPolicy) -> str:
    """`2026-04-01#07`: the day on which the first of its purposes ends, and the record's shard."""
    return bucket_on(record, min(ends_at(record, purpose, policy) for purpose in record.grants))


def bucket_on(record: Named, day: datetime) -> str:
    """Where the record is found by whoever looks for what is due on that day."""
    shard = crc32(f"{record.tenant_id}#{record.name}".encode()) % DUE_SHARDS
    return f"{day:%Y-%m-%d}#{shard:02d}"


def due_bucket_from(record: Retained, policy: VaultPolicy, now: datetime) -> str:
    """The same of a record that may be past its end: today at the earliest.

    A purge never returns to days that it has left behind, and what was kept there for a hold may go only now.
    """
    return max(due_bucket(record, policy), bucket_on(record, now))


def check_takes_grants(record: Retained) -> None:
    """`Conflict` while it is erased, `Restricted` while it is restricted."""
    check_unrestricted(record)
    if record.standing.erasure is not None:
        raise Conflict("the number is being erased")


def check_unrestricted(record: Retained) -> None:
    """`Restricted` while it is."""
    if record.standing.is_restricted:
        raise Restricted("the number is kept, and its use is restricted")


def used(record: R, purpose: str, now: datetime) -> R:
    """The record after a full reveal for the purpose; itself when the UTC day had one already.

    What is read for a legal hold alone is no use of a purpose.
    """
    if purpose not in record.grants:
        return record
    before = record.last_used.get(purpose)
    if before is not None and before.date() >= now.date():
        return record
    return replace(record, last_used={**record.last_used, purpose: now})


def grant(purpose: Purpose, consent: Consent | None, jurisdictions: Iterable[Jurisdiction], now: datetime) -> Grant:
    """A new grant; `ConsentRequired` where the purpose rests on consent and none that still holds is given."""
    rule = purpose.rule_under(jurisdictions)
    if purpose.rests_on_consent and consent is None:
        raise ConsentRequired("the purpose rests on consent, and the request brings none")
    if consent is not None and consent.given_at + rule.period <= now:
        raise ConsentRequired("the consent is older than the purpose's retention")
    return Grant(now, rule, consent)


@dataclass(frozen=True, slots=True)
class AskedPurpose:
    """A purpose asked for, with the consent that came with it."""

    purpose: Purpose
    consent: Consent | None


def tightened(record: R, further: Iterable[Jurisdiction], policy: VaultPolicy) -> R:
    """The record once further jurisdictions may apply: they only tighten, and what it has already as well."""
    jurisdictions = tuple(dict.fromkeys((*record.jurisdictions, *further)))
    if jurisdictions == record.jurisdictions:
        return record
    grants = {name: _tightened(each, policy.purposes.get(name), jurisdictions) for name, each in record.grants.items()}
    return replace(record, jurisdictions=jurisdictions, grants=grants)


def merged(record: R, asked: Iterable[AskedPurpose], policy: VaultPolicy, now: datetime) -> R:
    """The record, tightened already, after these purposes were asked for again.

    A live purpose keeps its start, unless a newer consent moves it; an ended one, also one that a jurisdiction has
    ended, starts anew.
    """
    grants = dict(record.grants)
    last_used = dict(record.last_used)
    for each in asked:
        name = each.purpose.name
        live = is_live(record, name, policy, now)
        if live and each.consent is None:
            continue
        _check_again(record, each)
        granted = grant(each.purpose, each.consent, record.jurisdictions, now)
        if live and not granted.consent_is_newer_than(grants[name]):
            continue
        grants[name] = granted
        if not live:
            last_used.pop(name, None)
    return replace(record, grants=grants, last_used=last_used)


def _check_again(record: Retained, asked: AskedPurpose) -> None:
    """What ended before its time does not begin anew by itself."""
    ended = record.standing.ended.get(asked.purpose.name)
    if ended is None:
        return
    if ended.why is Ending.OBJECTED:
        raise PurposeNotPermitted("the data subject has objected to the purpose")
    if asked.consent is not None and asked.consent.given_at <= ended.at:
        raise ConsentRequired("the consent was withdrawn after it was given")


def _tightened(each: Grant, purpose: Purpose | None, jurisdictions: Iterable[Jurisdiction]) -> Grant:
    if purpose is None or purpose.retention.start is not each.rule.start:
        return each  # the current rule, with all jurisdictions, is enforced beside the stored one in any case
    return replace(each, rule=replace(each.rule, days=min(each.rule.days, purpose.rule_under(jurisdictions).days)))


def _end(
    each: Grant, last_used: datetime | None, purpose: Purpose | None, jurisdictions: Iterable[Jurisdiction]
) -> datetime:
    stored_end = _start(each, last_used, each.rule) + each.rule.period
    if purpose is None:
        return stored_end
    if purpose.rests_on_consent and each.consent is None:
        return each.granted_at  # the policy has come to ask for a consent that was never given
    current = purpose.rule_under(jurisdictions)
    return min(stored_end, _start(each, last_used, current) + current.period)


def _start(each: Grant, last_used: datetime | None, rule: RetentionRule) -> datetime:
    if rule.start is RetentionStart.LAST_USED and last_used is not None:
        return max(last_used, each.granted_at)
    if rule.start is RetentionStart.CONSENT and each.consent is not None:
        return each.consent.given_at
    return each.granted_at
