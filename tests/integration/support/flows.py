"""What each function does in its life, under its own role: the one place where flows are named.

Every permission of a function must be needed by one of its flows. They run in the order in which they stand here, in a
vault of their own with the tenants of `POLICY`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.integration.support import job_flows, policy, purge_flows, right_flows
from tests.integration.support.job_flows import Settings
from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.tenants import disabled
from tests.integration.support.vault import Vault, problem

Flow = Callable[[Vault], None]

_NOBODY = "never-used"


def _tenants(function: str) -> Settings:
    """One of every kind, which the function's flows have for themselves."""
    return {f"{function}-{kind}": settings for kind, settings in job_flows.KINDS.items()}


def protect(vault: Vault) -> None:
    """A tenant's first number, the same one again, with more purposes, and by a consent of before; in batches too."""
    consent = {"consent": {"given_at": "2026-01-01T00:00:00Z", "evidence": "form 1"}}
    for tenant in _tenants("protect"):
        assert vault.protect(tenant, purposes={"marketing_sms": consent})["created"] is True
        assert vault.protect(tenant, purposes={"delivery": {}})["created"] is False
        assert vault.protect(tenant, purposes={"marketing_sms": {}})["created"] is False
        items = [{"tenant_id": tenant, "number": "+44 7400 123456", "subject_id": f"subject-{at}"} for at in range(3)]
        _all_answered(vault.invoke("Protect", {"purposes": {"delivery": {}}, "items": items}))


def reveal(vault: Vault) -> None:
    """The first use of a day, later ones, and batches."""
    for tenant in _tenants("reveal"):
        tokens = [vault.protect(tenant, subject)["token"] for subject in ("a", "b")]
        for token in tokens:
            assert vault.reveal(tenant, token)["number"] == "+447400123456"
        assert vault.reveal(tenant, tokens[0], view="masked")["masked"] == "+44******3456"
        vault.clock.advance(days=1)
        items = [{"token": token} for token in tokens]
        _all_answered(vault.invoke("Reveal", {"tenant_id": tenant, "purpose": "account_security", "items": items}))


def lookup(vault: Vault) -> None:
    """Something, nothing, and batches."""
    for tenant in _tenants("lookup"):
        vault.protect(tenant)
        assert len(vault.lookup(tenant)["matches"]) == 1
        assert not vault.lookup(tenant, "+1 201-555-0123")["matches"]
        items = [{"number": "+44 7400 123456"}] * 3
        _all_answered(vault.invoke("Lookup", {"tenant_id": tenant, "purpose": "account_security", "items": items}))


def verify(vault: Vault) -> None:
    """A match, a mismatch, and batches."""
    for tenant in _tenants("verify"):
        token = vault.protect(tenant)["token"]
        assert vault.verify(tenant, token) == {"match": True}
        assert vault.verify(tenant, token, "+1 201-555-0123") == {"match": False}
        items = [{"token": token, "number": number} for number in ("+44 7400 123456", "+1 201-555-0123")]
        _all_answered(vault.invoke("Verify", {"tenant_id": tenant, "purpose": "account_security", "items": items}))


def encrypt_messages(vault: Vault) -> None:
    """A tenant's first message, more under the same key, and a key made anew once its purpose has ended."""
    for tenant in _tenants("encrypt"):
        for _ in range(2):
            assert problem(encrypt(vault, tenant, purpose="delivery")) is None
        vault.clock.advance(days=31)
        assert problem(encrypt(vault, tenant, purpose="delivery")) is None


def decrypt_messages(vault: Vault) -> None:
    """The first use of a day, and later ones."""
    for tenant in _tenants("decrypt"):
        message = encrypt(vault, tenant)["message"]
        for _ in range(2):
            assert decrypt(vault, tenant, message)["number"] == "+447400123456"


def refusals(function: str) -> Flow:
    """For a tenant that has no keys, before the vault has its own, and for one that has."""

    def flow(vault: Vault) -> None:
        for row in vault.rows("KeyRing", "#vault"):
            vault.delete("KeyRing", row)
        vault.protect("refusing")
        vault.cloud.restart()
        for tenant in (_NOBODY, "refusing"):
            assert problem(vault.invoke(function, {"tenant_id": tenant, "purpose": "astrology"}))

    return flow


def faults(function: str) -> Flow:
    """KMS does not serve the Kek; the refusal is written down none the less."""

    def flow(vault: Vault) -> None:
        token, message = vault.protect("stopped")["token"], encrypt(vault, "stopped")["message"]
        vault.cloud.restart()
        number = {"number": "+44 7400 123456"}
        request = {
            "Protect": {**number, "subject_id": "subject-b", "purposes": {"account_security": {}}},
            "Reveal": {"token": token, "purpose": "account_security"},
            "Lookup": {**number, "purpose": "account_security"},
            "Verify": {**number, "token": token, "purpose": "account_security"},
            "Encrypt": {**number, "subject_id": "subject-a", "purpose": "account_security"},
            "Decrypt": {"message": message, "subject_id": "subject-a", "purpose": "account_security"},
            **right_flows.REQUESTS,
        }[function]
        with disabled(vault, vault.cloud.outputs["KekId"]):
            assert problem(vault.invoke(function, {"tenant_id": "stopped", **request})) == "key-unavailable"

    return flow


_OWN: dict[str, Flow] = {
    "Protect": protect,
    "Reveal": reveal,
    "Lookup": lookup,
    "Verify": verify,
    "Encrypt": encrypt_messages,
    "Decrypt": decrypt_messages,
}
_RIGHTS: dict[str, Flow] = {
    "Consent": right_flows.consents,
    "Restrict": right_flows.restrictions,
    "Hold": right_flows.holds,
    "Erase": right_flows.erasures,
}
_OPERATIONS = {**_OWN, **_RIGHTS}
_PLENTY = 100_000
_TENANTS: Settings = {
    **{name: each for function in _OPERATIONS for name, each in _tenants(function.lower()).items()},
    **job_flows.OF_JOBS,
}
POLICY: dict[str, Any] = {
    **policy.POLICY,
    "tenants": {name: each for name, each in _TENANTS.items() if each},
    "principals": [{**each, "quotas": dict.fromkeys(_OPERATIONS, _PLENTY)} for each in policy.POLICY["principals"]],
}
"""The tests' own, with a quota for everybody, so that whatever counts is called upon."""


def _with_tenants(vault: Vault, changed: Settings) -> None:
    tenants = {name: each for name, each in {**_TENANTS, **changed}.items() if each}
    vault.replace_policy({**POLICY, "tenants": tenants})


FLOWS: Mapping[str, tuple[Flow, ...]] = {
    # First, because the first purge asks for every day that the vault is old.
    "PlanPurge": (purge_flows.plans, job_flows.refused("PlanPurge")),
    "AdvancePurge": (purge_flows.purges, purge_flows.planned_without_a_key),
    "PurgePage": (purge_flows.records, purge_flows.erasures, purge_flows.page_without_a_key),
    **{function: (own, refusals(function), faults(function)) for function, own in _OPERATIONS.items()},
    "RotateKeys": (
        job_flows.new_versions,
        job_flows.other_kms_keys(_with_tenants),
        job_flows.refused("RotateKeys"),
    ),
    "AdvanceRotation": (job_flows.rotations, job_flows.faulty("AdvanceRotation")),
    "Rewrap": (
        job_flows.other_wrappings(_with_tenants),
        job_flows.overtaken("Rewrap", "UpdateItem", use="branch"),
        job_flows.faulty("Rewrap"),
    ),
    "Reindex": (job_flows.faulty("Reindex"),),
    "Census": (job_flows.faulty("Census"),),
    "SweepIndex": (
        job_flows.overtaken("SweepIndex", "TransactWriteItems", use="index"),
        job_flows.faulty("SweepIndex"),
    ),
    "RetireKeys": (job_flows.retirement, job_flows.refused("RetireKeys")),
    "Offboard": (job_flows.off_boarding, job_flows.refused("Offboard")),
}


def _all_answered(answer: Mapping[str, Any]) -> None:
    assert [problem(each) for each in answer["results"]] == [None] * len(answer["results"])
