"""The policy as JSON: the shape of the file, with every default filled in."""

from typing import Any

from phone_vault.cli.policy.purposes import article, days_under
from phone_vault.domain.policy import Principal, Purpose, Tenant, VaultPolicy


def as_json(policy: VaultPolicy) -> dict[str, Any]:
    """Purposes also say their article of the GDPR, and their days under each law."""
    return {
        "version": 1,
        "mask": {"visible_suffix": policy.visible_suffix},
        "tombstone_days": policy.tombstone_days,
        "consent_proof_days": policy.consent_proof_days,
        "circuit_breaker": policy.circuit_breaker,
        "branch_key_cache_seconds": policy.branch_key_cache_seconds,
        "verify_mismatches_per_token": policy.verify_mismatches_per_token,
        "default_jurisdiction": policy.default_jurisdiction,
        "rotation": {"branch_days": policy.rotation.branch_days, "index_days": policy.rotation.index_days},
        "purposes": {name: _purpose(purpose) for name, purpose in policy.purposes.items()},
        "tenants": {name: _tenant(tenant) for name, tenant in policy.tenants.items()},
        "principals": [_principal(principal) for principal in policy.principals],
    }


def _purpose(purpose: Purpose) -> dict[str, Any]:
    return {
        "lawful_basis": purpose.lawful_basis,
        "article": article(purpose.lawful_basis),
        "direct_marketing": purpose.direct_marketing,
        "retention": {
            "days": purpose.retention.days,
            "from": purpose.retention.start,
            "jurisdictions": dict(days_under(purpose)),
        },
    }


def _tenant(tenant: Tenant) -> dict[str, Any]:
    return {
        "wrapping": tenant.wrapping,
        "kms_key": tenant.kms_key,
        "former_kms_keys": sorted(tenant.former_kms_keys),
        "index": tenant.index,
    }


def _principal(principal: Principal) -> dict[str, Any]:
    return {
        "match": principal.match,
        "recipient": principal.recipient,
        "tenants": sorted(principal.tenants),
        "functions": sorted(principal.functions),
        "purposes": sorted(principal.purposes),
        "views": sorted(principal.views),
        "quotas": dict(principal.quotas),
        "break_glass": principal.break_glass,
    }
