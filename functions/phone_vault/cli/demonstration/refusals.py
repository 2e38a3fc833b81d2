"""One refused call of each kind; `circuit-breaker-open` is none: it ends `Purge`, the state machine."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.demonstration.expectation import expect, problem_name
from phone_vault.cli.demonstration.storing import PURPOSE, Stored
from phone_vault.cli.demonstration.tampering import kek_disabled, without_index_positions, without_right
from phone_vault.local import LocalCloud
from phone_vault.local.sources import policy
from phone_vault.settings import read_policy

_SHORT_PURPOSE = "delivery"
_CONSENT_PURPOSE = "marketing_sms"
_GUESSES = ("+447400123456", "+12015550123")

_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that was refused."""

    problem: str
    status: int
    what: str
    """Who asked for what."""
    detail: str
    """What the vault said."""


class Refusals:
    """Provokes them, in the contract's order as far as nothing has to be broken for them."""

    def __init__(self, cloud: LocalCloud, tenant_id: str, stored: Stored) -> None:
        self._cloud = cloud
        self._tenant_id = tenant_id
        self._stored = stored
        self._provocations: dict[str, tuple[str, Callable[[], _Answer]]] = {
            "invalid-request": ("a reveal with a field that does not exist", lambda: self._reveal(colour="red")),
            "identifier-not-pseudonymous": ("a subject id that is a plain SHA-256 of the number", self._hashed_number),
            "invalid-number": ("a number that no operator can assign", lambda: self._protect(number="+44 7700 900123")),
            "invalid-message": ("a message to decrypt that the vault has not made", self._foreign_message),
            "principal-not-permitted": ("a reveal by a group that the policy does not name", self._stranger),
            "quota-exceeded": ("a verify of the right number, after too many wrong ones", self._after_guessing),
            "purpose-not-registered": (
                "a reveal for a purpose that the policy does not know",
                lambda: self._reveal(purpose="curiosity"),
            ),
            "consent-required": (
                "a number for marketing, without a consent",
                lambda: self._protect(purposes={_CONSENT_PURPOSE: {}}),
            ),
            "not-found": ("another tenant's reveal of this token", lambda: self._reveal(tenant_id="somebody-else")),
            "purpose-not-permitted": ("a reveal for a delivery, after its retention", self._after_retention),
            "conflict": ("a verify of a number stored while its tenant kept no index", self._without_index),
            "under-legal-hold": ("off-boarding a tenant while a number of it is under a legal hold", self._held),
            "version-in-use": ("retiring a key version that records are still on", self._in_use),
            "erased": ("a reveal of a number that was erased", self._erased),
            "restricted": ("a reveal while the number is restricted", self._restricted),
            "key-unavailable": ("a reveal with the key encryption key disabled", self._without_kek),
            "audit-unavailable": ("a reveal that cannot be written to the audit trail", self._unaudited),
            "store-unavailable": ("a reveal with the tables out of reach", self._without_tables),
        }

    def provoke_all(self) -> list[Refusal]:
        """Each once; afterwards the vault answers as before."""
        refusals = [self._refusal(problem, *how) for problem, how in self._provocations.items()]
        expect(self._reveal().get("number") == self._stored.person.example.e164, "what was broken is whole again")
        return refusals

    def _refusal(self, problem: str, what: str, provoke: Callable[[], _Answer]) -> Refusal:
        answer = provoke()
        expect(problem_name(answer) == problem, f"{what} is refused as {problem}")
        return Refusal(problem, int(answer["problem"]["status"]), what, str(answer["problem"]["detail"]))

    def _call(self, function: str, request: dict[str, Any], changed: dict[str, Any], **caller: str) -> _Answer:
        answer: _Answer = self._cloud.invoke(function, {"tenant_id": self._tenant_id, **request, **changed}, **caller)
        return answer

    def _protect(self, **changed: Any) -> _Answer:
        number = self._stored.person.example.e164
        request = {"subject_id": "person-refused", "number": number, "purposes": {PURPOSE: {}}}
        return self._call("Protect", request, changed)

    def _reveal(self, **changed: Any) -> _Answer:
        return self._call("Reveal", {"token": self._stored.token, "purpose": PURPOSE}, changed)

    def _hashed_number(self) -> _Answer:
        digits = self._stored.person.example.e164.removeprefix("+")
        return self._protect(subject_id=hashlib.sha256(digits.encode()).hexdigest())

    def _stranger(self) -> _Answer:
        return self._call("Reveal", {"token": self._stored.token, "purpose": PURPOSE}, {}, principal="group:strangers")

    def _foreign_message(self) -> _Answer:
        message = base64.b64encode(b"not a message").decode()
        return self._call("Decrypt", {"message": message, "subject_id": "person-refused", "purpose": PURPOSE}, {})

    def _after_guessing(self) -> _Answer:
        right = self._stored.person.example.e164
        wrong = next(guess for guess in _GUESSES if guess != right)
        asked = {"token": self._stored.token, "purpose": PURPOSE}
        for _ in range(read_policy(policy()).verify_mismatches_per_token):
            self._call("Verify", {**asked, "number": wrong}, {})
        return self._call("Verify", {**asked, "number": right}, {})

    def _after_retention(self) -> _Answer:
        self._protect(subject_id=self._stored.person.subject_id, purposes={_SHORT_PURPOSE: {}})
        live = self._reveal(purpose=_SHORT_PURPOSE)
        expect("number" in live, f"the number may be used for {_SHORT_PURPOSE} while its retention lasts")
        days = read_policy(policy()).purpose(_SHORT_PURPOSE).retention.days
        self._cloud.clock.advance(days=days)
        return self._reveal(purpose=_SHORT_PURPOSE)

    def _without_index(self) -> _Answer:
        number = self._stored.person.example.e164
        self._cloud.clock.advance(hours=1)  # the guesses of the hour before do not count any more
        with without_index_positions(self._cloud, self._tenant_id, self._stored.token):
            return self._call("Verify", {"token": self._stored.token, "purpose": PURPOSE, "number": number}, {})

    def _held(self) -> _Answer:
        held = {"token": self._stored.token, "case_id": "case 7"}
        self._call("Hold", held, {"action": "place", "reason": "dispute"})
        answer = self._call("Offboard", {"confirm": self._tenant_id}, {})
        self._call("Hold", held, {"action": "release"})
        return answer

    def _in_use(self) -> _Answer:
        (rotated,) = self._call("RotateKeys", {"use": "branch", "reason": "scheduled"}, {})["rotated"]
        return self._call("RetireKeys", {"use": "branch", "version": rotated["from"]}, {})

    def _erased(self) -> _Answer:
        token = self._protect()["token"]
        self._call("Erase", {"token": token, "reason": "request of the data subject"}, {})
        return self._reveal(token=token)

    def _restricted(self) -> _Answer:
        number = {"token": self._stored.token}
        self._call("Restrict", number, {"action": "restrict", "ground": "accuracy"})
        answer = self._reveal()
        self._call("Restrict", number, {"action": "lift"})
        return answer

    def _without_kek(self) -> _Answer:
        self._reveal()  # whose keys are in the cache from now on
        with kek_disabled(self._cloud):
            expect("number" in self._reveal(), "a cached key serves until its age is reached")
            self._cloud.clock.advance(seconds=read_policy(policy()).branch_key_cache_seconds)
            return self._reveal()

    def _unaudited(self) -> _Answer:
        with without_right(self._cloud, "Reveal", "WriteAuditTrail"):
            return self._reveal()

    def _without_tables(self) -> _Answer:
        with without_right(self._cloud, "Reveal", "ReadNumbers"):
            return self._reveal()


def show_refusals(cloud: LocalCloud, console: Console, tenant_id: str, stored: Stored) -> list[Refusal]:
    """Provokes them and tells."""
    console.section(
        "Refusals",
        "One refused call of each kind. For some of them the clock is moved, the key is disabled or a right is taken "
        "from the function's role; all of that is undone at once, and the same reveal succeeds at the end.",
    )
    refusals = Refusals(cloud, tenant_id, stored).provoke_all()
    console.table([(f"{each.status} {each.problem}", each.what) for each in refusals])
    console.say()
    console.say("What the vault said, never naming a digit:")
    console.table([(each.problem, each.detail) for each in refusals])
    return refusals
