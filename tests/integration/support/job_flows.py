"""What each job does in its life; see `flows`."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from phone_vault.crypto.macs import as_text
from phone_vault.domain import moments
from phone_vault.local import FunctionError
from tests.integration.support.messages import encrypt
from tests.integration.support.rotation import WORKERS, begun, finished, make_pass, rotate, settled
from tests.integration.support.tenants import OWN_KEY
from tests.integration.support.vault import Vault, problem
from tests.integration.support.wire import Answer, Sent, error

Flow = Callable[[Vault], None]
Settings = Mapping[str, Mapping[str, Any]]
WithTenants = Callable[[Vault, Settings], None]
"""Deploys the tests' policy with some tenants changed."""

FOREIGN_KEY = "arn:aws:kms:eu-central-1:123456789012:key/dddddddd-4444-4444-8444-dddddddddddd"
"""In another region, where KMS does not move what is wrapped without its plaintext passing through the function."""
KINDS: Settings = {
    "plain": {},
    "direct": {"wrapping": "direct"},
    "own": {"kms_key": OWN_KEY},
    "direct-own": {"wrapping": "direct", "kms_key": OWN_KEY},
}
"""Every kind of tenant."""
OF_JOBS: Settings = {
    "elsewhere": {"kms_key": FOREIGN_KEY},
    **{f"{job}-{kind}": settings for job in ("keys", "records", "leaving") for kind, settings in KINDS.items()},
}
"""Tenants of the flows of jobs, with their settings."""


def make_foreign_key(vault: Vault) -> None:
    """As `make_key`, elsewhere."""
    with patch("moto.kms.models.generate_key_id", lambda *_: FOREIGN_KEY.rpartition("/")[2]):
        vault.cloud.client("kms", region_name="eu-central-1").create_key(KeyUsage="ENCRYPT_DECRYPT")


def new_versions(vault: Vault) -> None:
    """Of every key that a tenant has, of those of suppressed numbers too; and new material of all KMS keys."""
    for kind, settings in KINDS.items():
        tenant = f"keys-{kind}"
        vault.protect(tenant)
        _suppress(vault, tenant, settings.get("kms_key") or _kek(vault))
        assert problem(vault.invoke("RotateKeys", {"tenant_id": tenant, "reason": "compromise"})) is None
    assert problem(vault.invoke("RotateKeys", {})) is None
    assert problem(vault.invoke("RotateKeys", {"use": "kms"})) is None


def other_kms_keys(with_tenants: WithTenants) -> Flow:
    """Rows of the key ring from the Kek to a tenant's own KMS key, to another region, and back; and the other way."""

    def flow(vault: Vault) -> None:
        for plain, own in ((OWN_KEY, None), (FOREIGN_KEY, FOREIGN_KEY), (None, OWN_KEY)):
            former = {"former_kms_keys": [OWN_KEY, FOREIGN_KEY]}  # each was the other tenant's, or is now
            with_tenants(vault, {"keys-plain": _of_kms_key(plain) | former, "keys-own": _of_kms_key(own) | former})
            for tenant in ("keys-plain", "keys-own"):
                assert not vault.invoke("RotateKeys", {"tenant_id": tenant}).get("failed")

    return flow


def rotations(vault: Vault) -> None:
    """Of a tenant of every kind after a compromise, with numbers encrypted anew; and of all that are left."""
    for kind in KINDS:
        tenant = f"records-{kind}"
        vault.protect(tenant)
        encrypt(vault, tenant)
        vault.clock.advance(days=1)
        assert rotate(vault, tenant_id=tenant, reason="compromise", re_encrypt=True)["failed"] == 0
    assert rotate(vault, rotate="none")["failed"] == 0


def other_wrappings(with_tenants: WithTenants) -> Flow:
    """Record keys from direct wrapping to the other kind and back, and between KMS keys."""

    def flow(vault: Vault) -> None:
        moves = (
            {"records-direct": _direct(OWN_KEY), "records-direct-own": _of_kms_key(OWN_KEY)},
            {"records-direct": _direct(None), "records-direct-own": _direct(OWN_KEY)},
            {"records-direct": _of_kms_key(None)},
            {"records-direct": _direct(None)},
        )
        for settings in moves:
            former = {"former_kms_keys": [OWN_KEY]}
            with_tenants(vault, {tenant: each | former for tenant, each in settings.items()})
            for tenant in settings:
                make_pass(vault, begun(vault, rotate="none", tenant_id=tenant), "rewrap")

    return flow


def overtaken(function: str, operation: str, **asked: Any) -> Flow:
    """Another write comes first, and the record is read again."""

    def flow(vault: Vault) -> None:
        with vault.wire.failing(_once(function, operation)):
            assert rotate(vault, tenant_id="records-plain", **asked)["failed"] == 0

    return flow


def retirement(vault: Vault) -> None:
    """Of versions in use, counted where there is no census; of one that is retired already; its destruction."""
    tenant = "keys-plain"
    run = settled(vault, tenant_id=tenant, use="index")
    rotated = vault.invoke("RotateKeys", {"tenant_id": tenant, "use": "branch"})["rotated"]
    (before,) = (each["from"] for each in rotated)
    for row in vault.rows("Operations", f"census#{tenant}"):
        vault.delete("Operations", row)
    for use, version in (("branch", before), ("index", _superseded(vault, tenant))):
        assert _retired(vault, tenant, use, version) == "version-in-use"
    finished(vault, run)
    rotate(vault, tenant_id=tenant, rotate="none")
    assert _retired(vault, tenant, "branch", before) is None
    vault.clock.advance(days=35)
    assert _retired(vault, tenant, "branch", before, destroy=True) is None


def off_boarding(vault: Vault) -> None:
    """To the receipt, which is answered again to whoever asks again."""
    for kind in KINDS:
        tenant = f"leaving-{kind}"
        vault.protect(tenant)
        encrypt(vault, tenant)
        for _ in range(2):
            assert "receipt" in vault.invoke("Offboard", {"tenant_id": tenant, "confirm": tenant})


def refused(function: str) -> Flow:
    """Before the vault has a key for the entry that says so."""

    def flow(vault: Vault) -> None:
        without_the_vaults_own_key(vault)
        assert problem(vault.invoke(function, {"astrology": True})) == "invalid-request"

    return flow


def faulty(function: str) -> Flow:
    """What is to be worked on does not read, and the vault has no key for the entry that says so."""
    step = next((step for step, worker in WORKERS.items() if worker == function), "settle")
    part = {"shard": 0} if function in WORKERS.values() else {}

    def flow(vault: Vault) -> None:
        (row,) = vault.rows("Operations", "rotation#latest")
        with _replaced(vault, "Operations", row, {**row, "shards": {"S": "many"}}):
            without_the_vaults_own_key(vault)
            with pytest.raises(FunctionError, match="TamperedStore"):
                vault.invoke(function, {"run_id": row["run_id"]["S"], "step": step, **part})

    return flow


def _kek(vault: Vault) -> str:
    return str(vault.kms.describe_key(KeyId=vault.cloud.outputs["KekId"])["KeyMetadata"]["Arn"])


def _of_kms_key(kms_key: str | None) -> dict[str, Any]:
    return {"kms_key": kms_key} if kms_key else {}


def _direct(kms_key: str | None) -> dict[str, Any]:
    return {"wrapping": "direct", **_of_kms_key(kms_key)}


def _suppress(vault: Vault, tenant: str, kms_key: str) -> None:
    """A suppressed number, and the key of its digest, which no function makes yet."""
    context = {"tenant": tenant, "use": "suppress", "version": "1"}
    wrapped = vault.kms.encrypt(KeyId=kms_key, Plaintext=os.urandom(32), EncryptionContext=context)["CiphertextBlob"]
    vault.put(
        "KeyRing",
        {
            "tenant_id": {"S": tenant},
            "key_version": {"S": "suppress#1"},
            "wrapped_key": {"B": wrapped},
            "state": {"S": "active"},
            "created_at": {"S": moments.to_text(vault.clock.now())},
            "kms_key": {"S": kms_key},
        },
    )
    digest = os.urandom(32)
    key = {"subject": {"S": f"{tenant}#suppressed"}, "member": {"S": as_text(digest)}}
    vault.put("Subjects", {**key, "digest": {"B": digest}, "layers": {"N": "1"}})


def _superseded(vault: Vault, tenant: str) -> int:
    """The index version that is still written and not read any more."""
    (version,) = (
        int(row["key_version"]["S"].partition("#")[2])
        for row in vault.rows("KeyRing", tenant)
        if row["key_version"]["S"].startswith("index#") and row["state"]["S"] == "decrypt-only"
    )
    return version


def _retired(vault: Vault, tenant: str, use: str, version: int, **more: Any) -> str | None:
    return problem(vault.invoke("RetireKeys", {"tenant_id": tenant, "use": use, "version": version, **more}))


def without_the_vaults_own_key(vault: Vault) -> None:
    """As before its first refusal."""
    for row in vault.rows("KeyRing", "#vault"):
        vault.delete("KeyRing", row)
    vault.cloud.restart()


@contextmanager
def _replaced(vault: Vault, table: str, row: dict[str, Any], other: dict[str, Any]) -> Iterator[None]:
    vault.put(table, other)
    try:
        yield
    finally:
        vault.put(table, row)


def _once(function: str, operation: str) -> Callable[[Sent, int], Answer | None]:
    """The first such request that writes to RecordKeys meets a condition that does not hold."""
    failed: list[Sent] = []

    def choose(sent: Sent, ordinal: int) -> Answer | None:
        del ordinal
        if failed or (sent.function, sent.operation) != (function, operation) or not sent.concerns("RecordKeys"):
            return None
        failed.append(sent)
        if operation != "TransactWriteItems":
            return error("ConditionalCheckFailedException")
        reasons = [{"Code": "ConditionalCheckFailed"} for _ in sent.body["TransactItems"]]
        return error("TransactionCanceledException", CancellationReasons=reasons)

    return choose
