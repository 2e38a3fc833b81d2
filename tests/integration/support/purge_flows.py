"""What each part of a purge does in its life; see `flows`."""

import pytest

from phone_vault.local import FunctionError
from tests.integration.support.job_flows import without_the_vaults_own_key
from tests.integration.support.messages import encrypt
from tests.integration.support.purging import begun, finished, make_pages, planned, purged
from tests.integration.support.vault import Vault, problem

TENANT = "ending"
_FEW, _MANY = 1, 9
"""Little enough of what the tenant has for a purge that nobody looks at."""


def plans(vault: Vault) -> None:
    """Of what is due, looked at once more, and of what nobody uses."""
    _store(vault)
    vault.clock.advance(days=31)
    plan = vault.invoke("PlanPurge", {"tenant_id": TENANT})
    assert plan["due"] == _FEW
    assert vault.invoke("PlanPurge", {"plan_id": plan["plan_id"]}) == plan
    assert vault.invoke("PlanPurge", {"tenant_id": TENANT, "unused_days": 1})["due"] == _FEW + _MANY


def purges(vault: Vault) -> None:
    """One that nobody has planned, and one by a plan."""
    run = begun(vault, planned(vault))
    make_pages(vault, run)
    assert finished(vault, run)["purged"] >= _FEW
    plan_id = vault.invoke("PlanPurge", {"tenant_id": TENANT, "unused_days": 1})["plan_id"]
    assert purged(vault, plan_id)["purged"] == _MANY


def planned_without_a_key(vault: Vault) -> None:
    """The seal of a plan is by the vault's own key, which is made on its first use; no run is sealed before it."""
    for row in vault.rows("Operations", "purge#"):
        vault.delete("Operations", row)
    without_the_vaults_own_key(vault)
    assert planned(vault)


def records(vault: Vault) -> None:
    """One each: several are destroyed by threads, which the ear at the wire does not tell apart."""
    vault.protect("ending-number", purposes={"delivery": {}})
    encrypt(vault, "ending-message", purpose="delivery")
    vault.clock.advance(days=31)
    for tenant, counted in (("ending-number", "purged"), ("ending-message", "message_keys")):
        plan_id = vault.invoke("PlanPurge", {"tenant_id": tenant})["plan_id"]
        assert purged(vault, plan_id)[counted] == 1


def erasures(vault: Vault) -> None:
    """One that waits for no hold any more, because a release was stopped before it could carry it out."""
    tenant, case = "ending-erasure", {"tenant_id": "ending-erasure", "case_id": "case 1"}
    token = vault.protect(tenant)["token"]
    vault.invoke("Hold", {**case, "token": token, "action": "place", "reason": "order of a court"})
    assert vault.invoke("Erase", {"tenant_id": tenant, "subject_id": "subject-a", "reason": "request"})["blocked"]
    (row,) = vault.rows("RecordKeys", f"{tenant}#")
    vault.put("RecordKeys", {name: value for name, value in row.items() if name != "legal_holds"})
    assert problem(vault.protect(tenant)) == "conflict"
    vault.clock.advance(days=2)
    assert purged(vault, vault.invoke("PlanPurge", {"tenant_id": tenant})["plan_id"])["purged"] == 1
    assert vault.protect(tenant)["created"] is True


def page_without_a_key(vault: Vault) -> None:
    """A plan that another key has sealed is none."""
    _store(vault)
    vault.clock.advance(days=31)
    plan_id = vault.invoke("PlanPurge", {"tenant_id": TENANT})["plan_id"]
    run = begun(vault, plan_id, plan_id=plan_id)
    without_the_vaults_own_key(vault)
    with pytest.raises(FunctionError, match="TamperedStore"):
        make_pages(vault, run)


def _store(vault: Vault) -> None:
    for at in range(_FEW + _MANY):
        purpose = "delivery" if at < _FEW else "account_security"
        assert problem(vault.protect(TENANT, f"subject-{at}", purposes={purpose: {}})) is None
    assert problem(encrypt(vault, TENANT, purpose="delivery")) is None
