"""Receipts for tests."""

import base64
import json
from datetime import timedelta
from typing import Any

from phone_vault.crypto.receipts import salted
from phone_vault.domain.receipt_ports import Signer
from phone_vault.domain.receipts import Destroyed, ReceiptKind, fingerprint_of, signed, signed_bytes
from tests.fakes.clock import NEW_YEAR

TOKENS = ("tok_0123456789abcdefghij", "tok_1123456789abcdefghij", "tok_2123456789abcdefghij")
PURGED = Destroyed(
    kind=ReceiptKind.PURGE,
    at=NEW_YEAR,
    final_at=NEW_YEAR + timedelta(days=7),
    policy="ab" * 32,
    counts={"stored_numbers": 3, "message_keys": 1},
    by_purpose={"account_security": 3, "marketing_sms": 1},
    reason="retention ended, überall",
    tokens=salted(TOKENS),
)


def receipt_of(destroyed: Destroyed, signer: Signer) -> dict[str, Any]:
    """Signed."""
    unsigned = destroyed.unsigned()
    signature = base64.b64encode(signer.sign(signed_bytes(unsigned))).decode()
    return signed(unsigned, signature, fingerprint_of(signer.public_key()))


def file_of(receipt: object) -> bytes:
    """As somebody may keep it."""
    return json.dumps(receipt, indent=2).encode()
