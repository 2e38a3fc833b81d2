"""Keyed digests: HMAC-SHA-256 (RFC 2104) over length-prefixed parts, each use under a label of its own."""

import base64
import hashlib
import hmac

from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.secret import SecretKey


def mac(key: SecretKey, label: str, *parts: bytes) -> bytes:
    """32 bytes. The label and each part are preceded by their length, so that no two inputs run together."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (label.encode(), *parts))
    return hmac.digest(key.expose(), message, hashlib.sha256)


def equal(one: bytes, other: bytes) -> bool:
    """Whether two digests are the same, in time that does not depend on where they differ."""
    return hmac.compare_digest(one, other)


def blind_index(index_key: SecretKey, tenant_id: str, number: PhoneNumber) -> bytes:
    """Where a number stands in a tenant's index; equal numbers under one key version give equal indexes."""
    return mac(index_key, "blind-index", tenant_id.encode(), number.disclose().encode())


def index_binding(
    index_key: SecretKey, tenant_id: str, token: str, subject_id: str, subject_ref: str, position: bytes
) -> bytes:
    """Ties a position in the index to the one record that it belongs to."""
    identity = (each.encode() for each in (tenant_id, token, subject_id, subject_ref))
    return mac(index_key, "index-binding", *identity, position)


def subject_ref(subject_key: SecretKey, tenant_id: str, subject_id: str) -> str:
    """What keys, audit entries and tombstones carry in place of the subject id; 43 characters of base64url."""
    return as_text(mac(subject_key, "subject-ref", tenant_id.encode(), subject_id.encode()))


def idempotency(subject_key: SecretKey, tenant_id: str, subject_id: str, idempotency_key: str) -> bytes:
    """What a subject's record of one idempotency key is found again by: 32 bytes, of which its token is made."""
    identity = (each.encode() for each in (tenant_id, subject_id, idempotency_key))
    return mac(subject_key, "idempotency", *identity)


def suppression_digest(suppress_key: SecretKey, tenant_id: str, purpose: str, number: PhoneNumber) -> bytes:
    """By which a suppressed number is recognised; 32 bytes, the first layer of a `Suppression`."""
    return mac(suppress_key, "suppression", tenant_id.encode(), purpose.encode(), number.disclose().encode())


def suppression_layer(suppress_key: SecretKey, tenant_id: str, digest: bytes) -> bytes:
    """The next layer over a digest; whoever knows the keys of before alone makes nothing of it."""
    return mac(suppress_key, "suppression-layer", tenant_id.encode(), digest)


def key_proof(keys: SecretKey, name: str) -> bytes:
    """By which the plaintext of a row of the key ring, read another way, shows that it is what was made; 32 bytes."""
    return mac(keys, "key-proof", name.encode())


def audit_mac(audit_key: SecretKey, entry: bytes) -> bytes:
    """Authenticates one entry of the audit trail."""
    return mac(audit_key, "audit-entry", entry)


def plan_seal(audit_key: SecretKey, name: str, text: str) -> bytes:
    """Authenticates a row of a purge's plan, under the name by which it is read."""
    return mac(audit_key, "purge-plan", name.encode(), text.encode())


def purge_run_seal(audit_key: SecretKey, name: str, text: str) -> bytes:
    """Authenticates a run of a purge, or what a page of one has come to, under its name."""
    return mac(audit_key, "purge-run", name.encode(), text.encode())


def off_boarding_seal(audit_key: SecretKey, tenant_id: str, text: str) -> bytes:
    """Authenticates how far the off-boarding of a tenant has come."""
    return mac(audit_key, "off-boarding", tenant_id.encode(), text.encode())


def as_text(digest: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
