"""What each function for privacy teams does in its life, for a tenant of every kind; see `flows`."""

from typing import Any

from tests.integration.support.job_flows import KINDS
from tests.integration.support.messages import encrypt
from tests.integration.support.vault import Vault, problem

_SUBJECT = {"subject_id": "subject-a"}
_NEW = {"subject_id": "subject-new"}
"""Of whom nothing is stored, and in a tenant of which nothing was ever stored."""
_GIVEN = {"given_at": "2026-01-01T00:00:00Z", "evidence": "form 1"}
_PURPOSE = "marketing_sms"
_CASE = {"case_id": "case 1"}


def consents(vault: Vault) -> None:
    """Withdrawn before all else; given and withdrawn, of a subject with a number and messages, and of the number."""
    for kind in KINDS:
        _asked(vault, "Consent", f"consent-{kind}", **_NEW, purpose=_PURPOSE, action="withdraw")
        tenant, number = _stored(vault, "consent", kind)
        _asked(vault, "Consent", tenant, **_SUBJECT, purpose=_PURPOSE, action="withdraw")
        vault.clock.advance(hours=1)
        anew = {"given_at": f"{vault.clock.now():%Y-%m-%dT%H:%M:%SZ}", "evidence": "form 2"}
        for whom in (_SUBJECT, number):
            _asked(vault, "Consent", tenant, **whom, purpose=_PURPOSE, action="grant", **anew)
        _asked(vault, "Consent", tenant, **number, purpose=_PURPOSE, action="withdraw")


def restrictions(vault: Vault) -> None:
    """Of a subject, stored or not, and of a number, and lifted again."""
    for kind in KINDS:
        _asked(vault, "Restrict", f"restrict-{kind}", **_NEW, action="restrict", ground="claims")
        tenant, number = _stored(vault, "restrict", kind)
        for whom in (_SUBJECT, number):
            _asked(vault, "Restrict", tenant, **whom, action="restrict", ground="claims")
            _asked(vault, "Restrict", tenant, **whom, action="lift")


def holds(vault: Vault) -> None:
    """Placed before all else; placed and released: an erasure in between is carried out by the release, and proven."""
    for kind in KINDS:
        _asked(vault, "Hold", f"hold-{kind}", **_NEW, **_CASE, action="place", reason="order of a court")
        tenant, number = _stored(vault, "hold", kind)
        for whom in (number, _SUBJECT):
            _asked(vault, "Hold", tenant, **whom, **_CASE, action="place", reason="order of a court")
        _asked(vault, "Hold", tenant, **number, **_CASE, action="release")
        assert _asked(vault, "Erase", tenant, **_SUBJECT, reason="request")["blocked"]
        _released(vault, tenant, _SUBJECT)
        # One record at a time: several are destroyed by threads, which the ear at the wire does not tell apart.
        _, number = _stored(vault, "hold", kind)
        _asked(vault, "Hold", tenant, **number, **_CASE, action="place", reason="order of a court")
        assert _asked(vault, "Erase", tenant, **number, reason="request")["blocked"]
        _released(vault, tenant, number)


def erasures(vault: Vault) -> None:
    """Of a number, of a subject, and of one that is held."""
    for kind in KINDS:
        tenant, number = _stored(vault, "erase", kind)
        assert _asked(vault, "Erase", tenant, **number, reason="request")["erased"] == 1
        assert _asked(vault, "Erase", tenant, **_SUBJECT, reason="request")["message_keys"] == 1
        tenant, number = _stored(vault, "erase", kind)
        _asked(vault, "Hold", tenant, **number, **_CASE, action="place", reason="order of a court")
        for _ in range(2):
            assert len(_asked(vault, "Erase", tenant, **_SUBJECT, reason="request")["blocked"]) == 1


REQUESTS: dict[str, dict[str, Any]] = {
    "Consent": {**_SUBJECT, "purpose": _PURPOSE, "action": "withdraw"},
    "Restrict": {**_SUBJECT, "action": "lift"},
    "Hold": {**_SUBJECT, **_CASE, "action": "place", "reason": "order of a court"},
    "Erase": {**_SUBJECT, "reason": "request"},
}
"""One of each function that nothing is wrong with."""


def _released(vault: Vault, tenant: str, whom: dict[str, str]) -> None:
    (receipt,) = _asked(vault, "Hold", tenant, **whom, **_CASE, action="release")["receipts"]
    assert receipt["erased"] == 1


def _stored(vault: Vault, function: str, kind: str) -> tuple[str, dict[str, str]]:
    """A subject's number and message key, for a purpose that rests on consent."""
    tenant = f"{function}-{kind}"
    stored = vault.protect(tenant, purposes={_PURPOSE: {"consent": _GIVEN}})
    assert problem(encrypt(vault, tenant, purpose=_PURPOSE, consent=_GIVEN)) is None
    return tenant, {"token": stored["token"]}


def _asked(vault: Vault, function: str, tenant: str, **asked: Any) -> dict[str, Any]:
    answer: dict[str, Any] = vault.invoke(function, {"tenant_id": tenant, **asked})
    assert problem(answer) is None
    return answer
