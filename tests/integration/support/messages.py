"""Messages that an application keeps: made, read, taken apart by the plain SDK, and damaged."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import AlgorithmSuite, EncryptionKeyType, WrappingAlgorithm
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider

from phone_vault.local import FunctionError
from tests.integration.support.numbers import BRITISH
from tests.integration.support.vault import Vault, WireItem

PROVIDER = "phone-vault"
SUITE = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY


def encrypt(
    vault: Vault,
    tenant: str,
    subject: str = "subject-a",
    number: str = BRITISH,
    purpose: str = "account_security",
    **more: Any,
) -> Any:
    request = {"tenant_id": tenant, "subject_id": subject, "number": number, "purpose": purpose, **more}
    return vault.invoke("Encrypt", request)


def decrypt(
    vault: Vault,
    tenant: str,
    message: str,
    subject: str = "subject-a",
    purpose: str = "account_security",
    **more: Any,
) -> Any:
    request = {"tenant_id": tenant, "message": message, "subject_id": subject, "purpose": purpose, **more}
    return invoke_decrypt(vault, request)


def invoke_decrypt(vault: Vault, payload: Any, **how: Any) -> Any:
    """As `Vault.invoke`; the leak sweep gets the answers without the one field that is a number on purpose."""
    vault.corpus.asked(payload)
    with vault.wire.during("Decrypt"):
        try:
            answer = vault.cloud.invoke("Decrypt", payload, **how)
        except FunctionError as error:
            vault.corpus.heard(f"{error}\n{''.join(error.stack_trace)}")
            raise
    results = answer.get("results", [answer])
    vault.corpus.answered([{name: each[name] for name in each.keys() - {"number"}} for each in results])
    return answer


def decrypt_all(vault: Vault, tenant: str, messages: Sequence[bytes], **common: Any) -> list[Any]:
    """In batches of 100."""
    request = {"tenant_id": tenant, "subject_id": "subject-a", "purpose": "account_security", **common}
    return [
        result
        for at in range(0, len(messages), 100)
        for result in invoke_decrypt(
            vault, {**request, "items": [{"message": text(each)} for each in messages[at : at + 100]]}
        )["results"]
    ]


def text(message: bytes) -> str:
    return base64.b64encode(message).decode()


def raw(answer: Mapping[str, Any]) -> bytes:
    """The message of an answer of Encrypt."""
    return base64.b64decode(answer["message"], validate=True)


class Keys(RawMasterKeyProvider):  # type: ignore[misc]  # untyped
    """Raw AES keys by their names, as anybody would hand them to the SDK."""

    provider_id = PROVIDER

    def __init__(self, **_: Any) -> None:
        self.keys: dict[str, bytes] = {}

    def _get_raw_key(self, key_id: bytes) -> WrappingKey:
        algorithm = WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING
        return WrappingKey(algorithm, self.keys[key_id.decode()], EncryptionKeyType.SYMMETRIC)


def keys(**named: bytes) -> Keys:
    """A provider of these keys; all of them wrap the data key of a message that is made with it."""
    provider = Keys()
    provider.keys = {name.replace("_", "#"): key for name, key in named.items()}
    for name in provider.keys:
        provider.add_master_key(name.encode())
    return provider


def client(data_keys: int = 1) -> Any:
    """The plain SDK's."""
    return EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, max_encrypted_data_keys=data_keys
    )


def message_row(vault: Vault, tenant: str, purpose: str = "account_security") -> WireItem:
    """The one message key of a tenant and purpose."""
    (row,) = [row for row in vault.rows("RecordKeys", f"{tenant}#m#") if row["record_id"]["S"].endswith(f"#{purpose}")]
    return row


def message_key(vault: Vault, tenant: str, purpose: str = "account_security") -> bytes:
    """The one message key in plaintext, by KMS and the plain SDK alone."""
    (branch,) = [row for row in vault.rows("KeyRing", tenant) if row["key_version"]["S"] == "branch#1"]
    branch_key = vault.kms.decrypt(
        CiphertextBlob=branch["wrapped_key"]["B"],
        EncryptionContext={"tenant": tenant, "use": "branch", "version": "1"},
    )["Plaintext"]
    wrapped = message_row(vault, tenant, purpose)["wrapped_key"]["B"]
    plaintext, _ = client().decrypt(source=wrapped, key_provider=keys(branch_1=branch_key))
    return bytes(plaintext)
