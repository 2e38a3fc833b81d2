"""The audit trail checked from the contract alone: SHA-256, HMAC and KMS, none of the vault's own code."""

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any


def broken_at(rows: Iterable[Mapping[str, Any]], key_ring: Iterable[Mapping[str, Any]], kms: Any) -> list[str]:
    """`chain/sequence` of every entry whose MAC, number or link is wrong; rows are wire items."""
    keys = _audit_keys(key_ring, kms)
    chains: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        chains[row["chain"]["S"]].append(row)
    broken = []
    for chain, entries in chains.items():
        before = "0" * 64
        for expected, row in enumerate(sorted(entries, key=lambda each: int(each["sequence"]["N"])), 1):
            if not _is_whole(row, chain, expected, before, keys):
                broken.append(f"{chain}/{row['sequence']['N']}")
            before = hashlib.sha256(row["entry"]["S"].encode() + row["mac"]["B"]).hexdigest()
    return broken


def _is_whole(row: Mapping[str, Any], chain: str, sequence: int, before: str, keys: Mapping[str, bytes]) -> bool:
    text = row["entry"]["S"]
    try:
        said = json.loads(text)
        key = keys[said["keyed_by"]]
        about = row["about"]["S"] if "about" in row else None
        return (
            hmac.compare_digest(row["mac"]["B"], hmac.new(key, _labelled(text.encode()), "sha256").digest())
            and (said["chain"], said["sequence"], said["previous"]) == (chain, sequence, before)
            and int(row["sequence"]["N"]) == sequence
            and row["at"]["S"] == said["at"]
            and said["function"] == chain.partition("#")[0]
            and about == _about(said)
        )
    except (KeyError, ValueError):
        return False


def _about(said: Mapping[str, Any]) -> str | None:
    if "tenant_id" not in said:
        return None
    tokens = said.get("token", [])
    name = tokens[0] if len(tokens) == 1 else said.get("subject_ref")
    return f"{said['tenant_id']}#{name}" if name else None


def _labelled(text: bytes) -> bytes:
    label = b"audit-entry"
    return len(label).to_bytes(4, "big") + label + len(text).to_bytes(4, "big") + text


def _audit_keys(key_ring: Iterable[Mapping[str, Any]], kms: Any) -> dict[str, bytes]:
    keys = {}
    for row in key_ring:
        use, _, version = row["key_version"]["S"].partition("#")
        if use == "audit":
            tenant = row["tenant_id"]["S"]
            answer = kms.decrypt(
                CiphertextBlob=row["wrapped_key"]["B"],
                EncryptionContext={"tenant": tenant, "use": "audit", "version": version},
            )
            keys[f"{tenant}/{version}"] = bytes(answer["Plaintext"])
    return keys
