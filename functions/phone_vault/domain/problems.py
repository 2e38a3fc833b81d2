"""The one table from a refusal's type to the problem that the caller receives (RFC 9457)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phone_vault.domain import errors


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A problem's name (the last part of its `type`), HTTP status and title."""

    name: str
    status: int
    title: str


PROBLEM_TYPES: Mapping[type[errors.Refusal], ProblemType] = {
    errors.InvalidRequest: ProblemType("invalid-request", 400, "The request is not well-formed"),
    errors.InvalidNumber: ProblemType("invalid-number", 422, "The phone number is not valid"),
    errors.InvalidMessage: ProblemType("invalid-message", 400, "The message is not valid"),
    errors.PurposeNotRegistered: ProblemType("purpose-not-registered", 422, "The purpose is not registered"),
    errors.ConsentRequired: ProblemType("consent-required", 422, "The purpose needs a consent"),
    errors.IdentifierNotPseudonymous: ProblemType(
        "identifier-not-pseudonymous", 422, "The identifier is not pseudonymous"
    ),
    errors.PrincipalNotPermitted: ProblemType("principal-not-permitted", 403, "The caller is not permitted"),
    errors.PurposeNotPermitted: ProblemType("purpose-not-permitted", 403, "The number may not be used for this"),
    errors.NotFound: ProblemType("not-found", 404, "There is nothing of that name"),
    errors.Conflict: ProblemType("conflict", 409, "The present state does not allow this"),
    errors.VersionInUse: ProblemType("version-in-use", 409, "The key version is in use"),
    errors.CircuitBreakerOpen: ProblemType(
        "circuit-breaker-open", 409, "More would be destroyed than goes without a person's plan"
    ),
    errors.Erased: ProblemType("erased", 410, "The number is erased"),
    errors.Restricted: ProblemType("restricted", 423, "The number's use is restricted"),
    errors.UnderLegalHold: ProblemType("under-legal-hold", 409, "The number is under a legal hold"),
    errors.QuotaExceeded: ProblemType("quota-exceeded", 429, "The quota of this hour is used up"),
    errors.KeyUnavailable: ProblemType("key-unavailable", 503, "A key is not available"),
    errors.AuditUnavailable: ProblemType("audit-unavailable", 503, "The audit trail is not available"),
    errors.StoreUnavailable: ProblemType("store-unavailable", 503, "The store is not available"),
}


def problem_of(refusal: errors.Refusal) -> dict[str, Any]:
    """The RFC 9457 object; `errors` lists each fault of a malformed request."""
    kind = PROBLEM_TYPES[type(refusal)]
    problem: dict[str, Any] = {
        "type": f"urn:phone-vault:problem:{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": str(refusal),
    }
    if isinstance(refusal, errors.InvalidRequest):
        problem["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in refusal.faults]
    if isinstance(refusal, errors.VersionInUse):
        problem["records"] = refusal.records
    return problem
