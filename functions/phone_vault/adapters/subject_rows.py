"""The row `#subject` of Subjects: what was said of a subject as such."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import count_in, text_in
from phone_vault.adapters.rows import reading
from phone_vault.domain import moments
from phone_vault.domain.standing import Erasure, Ground
from phone_vault.domain.subject import Subject, SubjectId

SUBJECT_ROW = "#subject"
NOTHING_IS_SAID_OF_THE_SUBJECT = "attribute_not_exists(subject)"
SUBJECT_IS_AS_READ = "revision = :subject_revision"


def partition_of(subject_id: SubjectId) -> str:
    """The partition key of all that Subjects has of a subject."""
    return f"{subject_id.tenant_id}#{subject_id.subject_ref}"


def subject_key(subject_id: SubjectId) -> dict[str, str]:
    """The row's key."""
    return {"subject": partition_of(subject_id), "member": SUBJECT_ROW}


def as_read(subject: Subject) -> tuple[str, dict[str, Any] | None]:
    """The condition that the row is as it was read, and its values."""
    if not subject.revision:
        return NOTHING_IS_SAID_OF_THE_SUBJECT, None
    return SUBJECT_IS_AS_READ, {":subject_revision": subject.revision}


def subject_row(subject: Subject) -> dict[str, Any]:
    """The whole row."""
    erasure = subject.erasure
    return {
        **subject_key(subject.subject_id),
        "revision": subject.revision,
        "cases": sorted(subject.cases),
        "releasing": sorted(subject.releasing),
        "grounds": sorted(subject.grounds),
        "withdrawn": {purpose: moments.to_text(at) for purpose, at in subject.withdrawn.items()},
        "erasure": {"id": erasure.erasure_id, "at": moments.to_text(erasure.at)} if erasure else None,
    }


def subject_of(subject_id: SubjectId, row: Mapping[str, Any] | None) -> Subject:
    """What the row says; without a row nothing was said."""
    if not row:
        return Subject(subject_id)
    with reading("the row of a subject"):
        erasure = row.get("erasure")
        return Subject(
            subject_id,
            revision=count_in(row["revision"]),
            cases=frozenset(map(text_in, row["cases"])),
            releasing=frozenset(map(text_in, row["releasing"])),
            grounds=frozenset(map(Ground, row["grounds"])),
            withdrawn={purpose: moments.from_text(at) for purpose, at in row["withdrawn"].items()},
            erasure=Erasure(text_in(erasure["id"]), moments.from_text(erasure["at"])) if erasure is not None else None,
        )
