"""Every way in which the vault says no, and the faults that are its own.

A `Refusal` is what a caller can cause: it is answered as a problem and audited. A `ServiceFault` is never the
caller's doing: it leaves the function as an exception. No message here may carry a value from a request or a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: where it is (an RFC 6901 pointer) and what is wrong, without the value."""

    pointer: str
    detail: str


class Refusal(Exception):
    """The caller's request is refused; the message is the problem's `detail`."""


class InvalidRequest(Refusal):
    """The request's shape is wrong; all its faults at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer or 'the request'}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


class IdentifierNotPseudonymous(Refusal):
    """The subject id is, or gives away, an e-mail address or the number itself."""


class InvalidNumber(Refusal):
    """libphonenumber does not take the number; the message names the check that failed."""


class InvalidMessage(Refusal):
    """The message is not one of the vault's for this tenant, subject and purpose."""


class PrincipalNotPermitted(Refusal):
    """The policy gives this caller no right to this function, tenant, purpose or view."""


class QuotaExceeded(Refusal):
    """The hour's quota is used up: the caller's for this function, or the token's for wrong numbers."""


class PurposeNotRegistered(Refusal):
    """The policy does not know the purpose."""


class ConsentRequired(Refusal):
    """The purpose rests on consent, and there is none that still holds."""


class NotFound(Refusal):
    """The tenant has no such token."""


class PurposeNotPermitted(Refusal):
    """The number is stored, but not (or no longer) for this purpose."""


class Erased(Refusal):
    """The number was erased or purged, or is about to be."""


class Restricted(Refusal):
    """The number is kept and must not be used."""


class UnderLegalHold(Refusal):
    """The number must be kept as it is."""


class Conflict(Refusal):
    """The number is stored in a way that does not allow this."""


class VersionInUse(Refusal):
    """Records are still on the key version, or it is not proven that none is."""

    def __init__(self, records: int) -> None:
        super().__init__(
            f"{records:,} records are still on the version"
            if records
            else "no census that began after all caches had run out has shown that no record is on the version"
        )
        self.records = records


class CircuitBreakerOpen(Refusal):
    """A purge that nobody has planned would destroy more than the policy lets go unseen, of every tenant."""


class KeyUnavailable(Refusal):
    """KMS does not unwrap a key that the request needs."""


class AuditUnavailable(Refusal):
    """The audit entry could not be written, so nothing happened."""


class StoreUnavailable(Refusal):
    """DynamoDB does not answer, or the record is too contended."""


class ServiceFault(Exception):
    """A fault of the service itself."""


class TamperedStore(ServiceFault):
    """A stored row is not what the vault wrote: refused, never guessed around."""


class Misconfigured(ServiceFault):
    """The function's environment is wrong."""
