"""The tenants of a policy in words: how their numbers are encrypted and found."""

from collections.abc import Iterator

from phone_vault.cli.policy.words import Entry, Section
from phone_vault.domain.policy import Tenant, VaultPolicy, Wrapping

ALL_OTHERS = "every other tenant"


def tenants(policy: VaultPolicy) -> Section:
    """Those with settings of their own, and what holds for all others."""
    named = [Entry(name, tuple(_sentences(tenant))) for name, tenant in policy.tenants.items()]
    return Section(
        "Tenants",
        "Each tenant has keys of its own, and none can reach another's numbers. Every number has its own key, which is "
        "wrapped (encrypted) as said here. A change counts for keys made from then on; what is stored is still read as "
        "it was wrapped. `phone-vault status` counts what is wrapped otherwise.",
        (*named, Entry(ALL_OTHERS if named else "every tenant", tuple(_sentences(Tenant())))),
    )


def _sentences(tenant: Tenant) -> Iterator[str]:
    key = f"the tenant's own KMS key, {tenant.kms_key}" if tenant.kms_key else "the vault's KMS key, the Kek"
    if tenant.wrapping is Wrapping.DIRECT:
        yield (
            f"Wrapping: direct, by {key}. Each reveal is a call to KMS, which CloudTrail records with tenant and token."
        )
    else:
        yield (
            f"Wrapping: by the tenant's branch key, and that by {key}. A function that has the branch key in memory "
            "reveals without asking KMS."
        )
    if tenant.former_kms_keys:
        keys = ", ".join(sorted(tenant.former_kms_keys))
        yield f"What lies under a KMS key that is another tenant's now is read until it has moved: {keys}."
    if tenant.index:
        yield "Blind index: kept. Numbers can be looked up and verified; one person's number is stored once."
    else:
        yield (
            "Blind index: none. Lookup and Verify are refused, and a number that is protected twice for one person is "
            "stored twice, under two tokens."
        )
