"""The functions for privacy teams on fakes, beside those for applications."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.moments import to_text
from phone_vault.domain.ports import RecordId
from phone_vault.domain.standing import Standing
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.domain.subject import Subject, SubjectId
from phone_vault.services.consent import Consent
from phone_vault.services.destruction import Destruction
from phone_vault.services.erase import Erase
from phone_vault.services.erasures import Erasures
from phone_vault.services.hold import Hold
from phone_vault.services.operation import Ports
from phone_vault.services.receipts import Receipts
from phone_vault.services.restrict import Restrict
from phone_vault.services.right import RightStores
from tests.fake_off_boarding import MemoryReceiptStore
from tests.fake_signer import MemorySigner
from tests.fakes import Disturbances, Killed, MemoryRetainedStore, MemorySubjectStore
from tests.unit.services.world import DIRECT, World

NUMBERS = ("+44 7400 123456", "+1 201 555 0123", "+49 1512 3456789")
SUBJECT = "cust-1"
KEY_RECOVERY = timedelta(days=7)


@dataclass
class RightsWorld(World):
    """Whatever happens around the calls of the stores of rights is `disturbances`."""

    disturbances: Disturbances = field(default_factory=Disturbances)
    at_once: int = 1
    """How many records an erasure destroys at a time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.retained = MemoryRetainedStore(self.log, self.tables, self.disturbances)
        self.subjects = MemorySubjectStore(self.log, self.tables, self.disturbances)
        self.receipts = MemoryReceiptStore(self.log, self.disturbances)
        self.signer = MemorySigner()
        self.start()

    def start(self) -> None:
        """Other instances in place of the present ones."""
        stores = RightStores(self.subjects, self.retained)
        for right in (Restrict, Consent):
            self.functions[right.name] = right(stores, **self.ports(right.name, right.mac_keys_from))
        for erasing in (Hold, Erase):
            ports = self.ports(erasing.name, erasing.mac_keys_from)
            self.functions[erasing.name] = erasing(stores, self.erasures(ports), **ports)

    def erasures(self, ports: Ports) -> Erasures:
        """What destroys; one record at a time, so that crashes come in an order."""
        return Erasures(
            policy=ports["policy"],
            destruction=Destruction(self.retained, tombstone_days=ports["policy"].tombstone_days, at_once=self.at_once),
            receipts=Receipts(self.receipts, self.signer, ports["trail"], key_recovery=KEY_RECOVERY),
            clock=ports["clock"],
        )

    def another(self) -> "RightsWorld":
        """Other instances beside the present ones, which nothing disturbs: for what happens in the midst of a call."""
        return RightsWorld(
            clock=self.clock,
            log=self.log,
            kms=self.kms,
            key_ring_store=self.key_ring_store,
            counters=self.counters,
            policy=self.policy,
            tables=self.tables,
        )

    def stored(
        self,
        number: str = NUMBERS[0],
        purposes: Sequence[str] = ("security",),
        subject: str = SUBJECT,
        **details: Mapping[str, Any],
    ) -> str:
        """The token of a number that is protected."""
        asked = {name: details.get(name, {}) for name in purposes}
        answer = self.call("Protect", {"subject_id": subject, "number": number, "purposes": asked})
        token = answer["token"]
        assert isinstance(token, str)
        return token

    def consent(self, days_ago: float = 0, evidence: str = "form 12") -> dict[str, Any]:
        """As a request brings it."""
        given_at = to_text(self.clock.now() - timedelta(days=days_ago))
        return {"given_at": given_at, "evidence": evidence}

    def protected(self, number: str = NUMBERS[0], subject: str = SUBJECT, **purposes: Any) -> dict[str, Any]:
        """The whole answer, for these purposes."""
        return self.call("Protect", {"subject_id": subject, "number": number, "purposes": purposes})

    def encrypted(self, purpose: str = "security", **more: Any) -> dict[str, Any]:
        """The answer of Encrypt for the subject's first number."""
        return self.call("Encrypt", {"subject_id": SUBJECT, "number": NUMBERS[0], "purpose": purpose, **more})

    def record(self, token: str) -> StoredNumber:
        """As it is stored."""
        return self.tables.records[RecordId("default", token)]

    def standing(self, token: str) -> Standing:
        """What was said of it."""
        return self.record(token).standing

    def subject(self) -> Subject:
        """The one row of a subject."""
        (row,) = self.tables.subjects.values()
        return row

    def last_events(self, count: int) -> list[str]:
        """The latest entries of the trail."""
        return [entry.text for entry in self.log.entries[-count:]]

    def killed_after(self, calls: int, function: str, payload: object) -> bool:
        """Whether the instance died after so many calls of ports, before it could answer."""
        self.disturbances.kill_after(calls)
        try:
            self.call(function, payload, DIRECT)
        except Killed:
            return True
        finally:
            self.disturbances.end()
        return False

    def state(self, tokens: Sequence[str]) -> dict[str, Any]:
        """What a right has made of the tables, in a form that does not depend on chance."""
        places = {token: place for place, token in enumerate(tokens)}
        return {
            "numbers": [(each.grants, each.standing, each.last_used) for each in map(self.record, tokens)],
            "keys": {
                key_id.purpose: (key.grants, key.standing, key.generation)
                for key_id, key in self.tables.message_keys.items()
            },
            "subjects": [
                replace(row, revision=0, subject_id=SubjectId("", "")) for row in self.tables.subjects.values()
            ],
            "due": sorted(
                (str(places.get(record_id.token, record_id.token[-8:])), due[:10])
                for record_id, due in self.retained.due.items()
            ),
            "history": [
                replace(event, token=None if event.token is None else str(places[event.token]))
                for _, event in self.tables.consents
            ],
        }


def problem_of(answer: Mapping[str, Any]) -> str | None:
    """The problem's name; None for an answer."""
    if "problem" not in answer:
        return None
    return str(answer["problem"]["type"]).removeprefix("urn:phone-vault:problem:")


def pointers(answer: Mapping[str, Any]) -> list[str]:
    """Where the faults of a refused request are."""
    assert problem_of(answer) == "invalid-request"
    return [fault["pointer"] for fault in answer["problem"]["errors"]]


@pytest.fixture
def world() -> RightsWorld:
    """For the modules that import it."""
    return RightsWorld()
