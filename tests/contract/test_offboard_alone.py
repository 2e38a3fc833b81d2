"""Offboard in a vault that nobody but the tenant has ever used: the vault itself has no key yet."""

from typing import Any

import pytest

from phone_vault.crypto.receipts import checked
from tests.integration.support.tenants import with_tenants
from tests.integration.support.vault import Vault, open_vault
from tests.unit.receipts import file_of


def off_board(vault: Vault, tenant: str) -> Any:
    return vault.invoke("Offboard", {"tenant_id": tenant, "confirm": tenant})


@pytest.mark.parametrize("wrapping", ["branch", "direct"])
def test_the_only_tenant_of_a_vault_can_leave(wrapping: str) -> None:
    with open_vault(with_tenants({"direct-0": {"wrapping": "direct"}})) as vault:
        vault.protect(f"{wrapping}-0")
        assert vault.rows("KeyRing", "#vault") == []
        answer = off_board(vault, f"{wrapping}-0")
        public_key = vault.kms.get_public_key(KeyId=vault.cloud.outputs["ReceiptKeyId"])["PublicKey"]
        assert checked(file_of(answer["receipt"]), public_key)["counts"]["stored_numbers"] == 1
        vault.cloud.restart()
        assert off_board(vault, f"{wrapping}-0") == answer
        assert vault.broken_entries() == []
