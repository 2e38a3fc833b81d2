"""When a policy wants its keys rotated, in words, and what that means."""

from phone_vault.cli.policy.words import Entry, Section, counted
from phone_vault.domain.policy import VaultPolicy, Wrapping
from phone_vault.domain.rotation import wait_of


def rotation(policy: VaultPolicy) -> Section:
    """For how long a version is used, what a Rotation does then, and for how long it waits."""
    periods = policy.rotation
    waits = round(wait_of(policy).total_seconds())
    direct = sorted(name for name, tenant in policy.tenants.items() if tenant.wrapping is Wrapping.DIRECT)
    entries = [
        Entry(
            "Branch keys",
            (
                f"A new version is due {counted(periods.branch_days, 'day')} after the one in use was made. New record "
                "keys are wrapped by it at once; the Rotation re-wraps the others and retires the version before when "
                "a census has found no record on it.",
            ),
        ),
        Entry(
            "Index keys",
            (
                f"A new version is due {counted(periods.index_days, 'day')} after the one in use was made. Numbers are "
                "indexed under both until each stands under the new one; then the entries under the old one are "
                "deleted and it is retired.",
            ),
        ),
        Entry(
            "Waiting",
            (
                f"Each time that functions may still work with keys as they were, a Rotation waits for "
                f"{counted(waits, 'second')}: as long as a key is kept in memory, and the longest invocation. "
                "Applications are served meanwhile.",
            ),
        ),
    ]
    if direct:
        kms = "KMS itself wraps their record keys: a new branch key changes nothing for those."
        entries.append(Entry("Tenants of direct wrapping", (kms,)))
    return Section(
        "Rotation of keys",
        "What is due is rotated when the Rotation runs, by the stack's schedule or by `phone-vault rotate`, and not "
        "before. Subject and audit keys are not rotated.",
        tuple(entries),
    )
