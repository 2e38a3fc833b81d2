"""The report for machines."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from phone_vault.cli.holdings.report import Report
from phone_vault.domain.inventory import Kind
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.moments import to_text
from phone_vault.domain.rotation import Census
from phone_vault.services.retention_counts import DueCurve, RetentionCounts
from phone_vault.services.status import Counts, KeyStatus, State, TenantStatus


def as_json(report: Report) -> dict[str, Any]:
    """Counts, ids of tenants, and key versions; nothing of a single record."""
    status, policy = report.status, report.policy
    return {
        "stack": report.vault.stack_name,
        "place": report.vault.place,
        "at": to_text(report.at),
        "policy": {"file": report.vault.policy_file, "origin": report.vault.policy_origin},
        "totals": {
            kind: {**_states(report.records(kind)), "by_purpose": _by_purpose(report.by_purpose(kind))} for kind in Kind
        },
        "tenants": {
            name: {**_tenant(tenant, report.at), "in_policy": name in policy.tenants}
            for name, tenant in sorted(status.tenants.items())
        },
        "retention": {"unused_days": report.unused_days, **_retention(report.retention)},
        "vault_keys": _keys(status.vault_keys),
        "cache": {"seconds": policy.branch_key_cache_seconds, "keys_at_most": report.key_cache_capacity},
        "unreadable_rows": dict(status.unreadable),
    }


def _tenant(tenant: TenantStatus, now: datetime) -> dict[str, Any]:
    settings = tenant.settings
    return {
        "settings": {"wrapping": settings.wrapping, "kms_key": settings.kms_key, "index": settings.index},
        "off_boarded_at": to_text(tenant.off_boarded_at) if tenant.off_boarded_at else None,
        **{kind: _counts(counts, tenant.otherwise_wrapped(kind)) for kind, counts in tenant.counts.items()},
        "keys": _keys(tenant.keys),
        "census": _census(tenant.census, now),
        "retention": _retention(tenant.retention),
    }


def _retention(counts: RetentionCounts) -> dict[str, Any]:
    return {
        "due": {kind: _due(curve) for kind, curve in counts.due.items()},
        "held": _kinds(counts.held),
        "restricted": _kinds(counts.restricted),
        "erasing": _kinds(counts.erasing),
        "tombstones": _kinds(counts.tombstones),
        "unused": {
            "stored_numbers": asdict(counts.use),
            "by_purpose": {purpose: asdict(use) for purpose, use in sorted(counts.use_by_purpose.items())},
        },
    }


def _due(curve: DueCurve) -> dict[str, Any]:
    by_day = {day.isoformat(): count for day, count in sorted(curve.by_day.items())}
    return {"now": curve.now, "by_day": by_day, "later": curve.later}


def _kinds(counted: Counter[Kind]) -> dict[str, int]:
    return {kind: counted[kind] for kind in Kind}


def _census(census: Census | None, now: datetime) -> dict[str, Any] | None:
    if census is None:
        return None
    return {
        "begun_at": to_text(census.begun_at),
        "age_seconds": round((now - census.begun_at).total_seconds()),
        "stored_numbers": census.stored_numbers,
        "message_keys": census.message_keys,
        "direct": census.direct,
        "on_version": dict(sorted(census.on_version.items())),
        "out_of_reach": census.out_of_reach,
        "unreadable": census.unreadable,
    }


def _counts(counts: Counts, otherwise_wrapped: int) -> dict[str, Any]:
    return {
        **_states(counts.records),
        "by_purpose": _by_purpose(dict(sorted(counts.by_purpose.items()))),
        "by_wrapping": dict(sorted(counts.by_wrapping.items())),
        "otherwise_wrapped": otherwise_wrapped,
    }


def _states(counted: Counter[State]) -> dict[str, int]:
    return {"total": counted.total(), **{state: counted[state] for state in State}}


def _by_purpose(counted: Mapping[str, Counter[State]]) -> dict[str, dict[str, int]]:
    return {purpose: {state: each[state] for state in State} for purpose, each in counted.items()}


def _keys(keys: Iterable[KeyStatus]) -> list[dict[str, Any]]:
    return [
        {
            "use": each.key.key_id.use,
            "version": each.key.key_id.version,
            "state": each.key.state,
            "created_at": to_text(each.key.created_at),
            "age_days": each.age.days,
            "in_state_since": to_text(each.key.in_state_since),
            "compromised": each.key.compromised,
            "records": each.records,
            "kms_key": each.key.kms_key,
            "wrapped_by": each.wrapped_by,
            "as_policy_says": each.as_policy_says,
        }
        for each in sorted(keys, key=lambda each: (list(KeyUse).index(each.key.key_id.use), each.key.key_id.version))
    ]
