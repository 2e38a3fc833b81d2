"""A number and a message in each state of the contract's table "What each state allows"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.numbers import BRITISH
from tests.integration.support.vault import Vault, problem

SUBJECT = "subject-a"
CASE = "case 7/2026"
WHY = {"reason": "asked for by letter"}
CANONICAL = "+447400123456"
LIVE, ENDED, WITHDRAWN, OBJECTED = "purpose live", "purpose ended", "purpose withdrawn", "purpose objected"
RESTRICTED, HELD, ALL_ENDED = "restricted", "held", "all ended, not yet purged"
BLOCKED, SHREDDED = "erasure blocked by a hold", "shredded"

Payload = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What a tenant has, and the purpose that the state is about."""

    vault: Vault
    tenant: str
    token: str
    message: str
    purpose: str
    ends_at: datetime
    """Of its last purpose, if nobody uses it."""

    def pass_its_end(self) -> None:
        self.vault.clock.advance(seconds=(self.ends_at - self.vault.clock.now()).total_seconds())

    def reveal(self, purpose: str = "", **more: Any) -> Any:
        return self.vault.reveal(self.tenant, self.token, purpose or self.purpose, **more)

    def verify(self, purpose: str = "", **more: Any) -> Any:
        return self.vault.verify(self.tenant, self.token, purpose=purpose or self.purpose, **more)

    def decrypt(self, purpose: str = "", **more: Any) -> Any:
        return decrypt(self.vault, self.tenant, self.message, SUBJECT, purpose or self.purpose, **more)

    def is_found(self) -> bool:
        matches = self.vault.lookup(self.tenant, purpose=self.purpose)["matches"]
        return self.token in [each["token"] for each in matches]

    def protect(self, purpose: str = "", number: str = BRITISH) -> Any:
        """Again, with a consent of this second where one is needed."""
        name = purpose or self.purpose
        purposes = {name: {"consent": consent(self.vault)} if name == "marketing_sms" else {}}
        return self.vault.protect(self.tenant, SUBJECT, number, purposes)

    def encrypt(self, purpose: str = "") -> Any:
        """Again, the same way."""
        name = purpose or self.purpose
        more: Payload = {"consent": consent(self.vault)} if name == "marketing_sms" else {}
        return encrypt(self.vault, self.tenant, SUBJECT, purpose=name, **more)

    def erase(self, **whom: str) -> Any:
        return self.vault.invoke("Erase", {"tenant_id": self.tenant, **(whom or {"subject_id": SUBJECT}), **WHY})

    def hold(self, action: str = "place", **whom: str) -> Any:
        reason = WHY if action == "place" else {}
        about = whom or {"subject_id": SUBJECT}
        payload = {"tenant_id": self.tenant, **about, "action": action, "case_id": CASE, **reason}
        return self.done(self.vault.invoke("Hold", payload))

    def restrict(self, action: str = "restrict", **whom: str) -> Any:
        ground = {"ground": "claims"} if action == "restrict" else {}
        payload = {"tenant_id": self.tenant, **(whom or {"subject_id": SUBJECT}), "action": action, **ground}
        return self.done(self.vault.invoke("Restrict", payload))

    def withdraw(self, **whom: str) -> Any:
        about = whom or {"subject_id": SUBJECT}
        payload = {"tenant_id": self.tenant, **about, "action": "withdraw", "purpose": "marketing_sms"}
        return self.done(self.vault.invoke("Consent", payload))

    def object(self) -> None:
        """As an upheld objection leaves the rows: the function Object comes with a later release."""
        at = f"{self.vault.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        ended = {self.purpose: {"M": {"at": {"S": at}, "why": {"S": "objected"}}}}
        for row in self.vault.rows("RecordKeys", f"{self.tenant}#"):
            due = {"S": at[:10] + row["due"]["S"][10:]}
            self.vault.put("RecordKeys", {**row, "ended": {"M": ended}, "due": due})

    def receipt(self) -> Any:
        return self.erase()["receipt"]

    @staticmethod
    def done(answer: Any) -> Any:
        assert problem(answer) is None
        return answer


def consent(vault: Vault, **ago: int) -> dict[str, str]:
    given_at = vault.clock.now() - timedelta(**ago)
    return {"given_at": f"{given_at:%Y-%m-%dT%H:%M:%SZ}", "evidence": "form 12"}


def kept(vault: Vault, tenant: str, purpose: str = "delivery") -> Kept:
    """A number for three purposes, and a message for one."""
    purposes: dict[str, Payload] = {
        "account_security": {},
        "delivery": {},
        "marketing_sms": {"consent": consent(vault, days=1)},
    }
    more: Payload = {"consent": consent(vault, days=1)} if purpose == "marketing_sms" else {}
    message = encrypt(vault, tenant, SUBJECT, purpose=purpose, **more)["message"]
    stored = vault.protect(tenant, SUBJECT, purposes=purposes)
    return Kept(vault, tenant, stored["token"], message, purpose, datetime.fromisoformat(stored["expires_at"]))


def _live(vault: Vault, tenant: str) -> Kept:
    return kept(vault, tenant)


def _ended(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant)
    vault.clock.advance(days=30)
    return it


def _withdrawn(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant, "marketing_sms")
    it.withdraw()
    vault.clock.advance(seconds=1)
    return it


def _objected(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant, "marketing_sms")
    it.object()
    vault.clock.advance(seconds=1)
    return it


def _restricted(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant)
    it.restrict()
    return it


def _held(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant)
    it.hold()
    return it


def _all_ended(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant)
    it.pass_its_end()
    return it


def _blocked(vault: Vault, tenant: str) -> Kept:
    it = _held(vault, tenant)
    it.done(it.erase())
    return it


def _shredded(vault: Vault, tenant: str) -> Kept:
    it = kept(vault, tenant)
    it.done(it.erase())
    return it


STATES: Mapping[str, Callable[[Vault, str], Kept]] = {
    LIVE: _live,
    ENDED: _ended,
    WITHDRAWN: _withdrawn,
    OBJECTED: _objected,
    RESTRICTED: _restricted,
    HELD: _held,
    ALL_ENDED: _all_ended,
    BLOCKED: _blocked,
    SHREDDED: _shredded,
}
