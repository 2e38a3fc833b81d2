"""Lines of a subject's history of consents, as rows of Subjects."""

import secrets
from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import text_in
from phone_vault.adapters.rows import moment_in, reading
from phone_vault.adapters.subject_rows import partition_of
from phone_vault.domain import moments
from phone_vault.domain.consent import Consent, ConsentAction, ConsentEvent
from phone_vault.domain.subject import SubjectId

CONSENT_PREFIX = "c#"


def consent_row(subject_id: SubjectId, event: ConsentEvent) -> dict[str, Any]:
    """The whole row. Its sort key begins with the time; what follows keeps those of one second apart."""
    at = moments.to_text(event.at)
    return {
        "subject": partition_of(subject_id),
        "member": f"{CONSENT_PREFIX}{at}#{event.purpose}#{secrets.token_hex(4)}",
        "purpose": event.purpose,
        "action": str(event.action),
        "at": at,
        "expires_ttl": int(event.kept_until.timestamp()),
        "given_at": moments.to_text(event.consent.given_at) if event.consent else None,
        "evidence": event.consent.evidence if event.consent else None,
        "token": event.token,
    }


def consent_of(row: Mapping[str, Any]) -> ConsentEvent:
    """The line; `TamperedStore` for what the vault does not write."""
    with reading("a line of a consent history"):
        given_at = row.get("given_at")
        return ConsentEvent(
            purpose=text_in(row["purpose"]),
            action=ConsentAction(row["action"]),
            at=moment_in(row["at"]),
            kept_until=moments.from_epoch(row["expires_ttl"]),
            consent=Consent(moment_in(given_at), text_in(row["evidence"])) if given_at is not None else None,
            token=text_in(row["token"]) if "token" in row else None,
        )
