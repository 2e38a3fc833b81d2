"""What the vault must say, by a plain model of what it was told; and what must be true of its tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from phone_vault.domain.callers import direct_caller
from phone_vault.domain.keys import INDEXING, UNWRAPPING, KeyState, KeyUse
from phone_vault.domain.message_key import MessageKey
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.rotation import ROTATED, wait_of
from phone_vault.domain.stored_number import StoredNumber
from phone_vault.services.operation import Operation
from tests.property.life.vault import POLICY, TENANT, Functions, LifeVault

CALLER = direct_caller(None)
NUMBERS = tuple(
    PhoneNumber(*each).disclose() for each in (("44", "7400123456"), ("1", "2015550123"), ("49", "15123456789"))
)
PURPOSES = ("security", "delivery")
AT_ONCE = 100
IN_TURN = 3
"""Of what takes long to ask, each question asks for a part."""
GONE = (KeyState.RETIRED, KeyState.DESTROYED)


@dataclass
class Known:
    """A stored number."""

    token: str
    purposes: set[str]


@dataclass(frozen=True)
class Kept:
    """A message, as the application keeps it."""

    subject: str
    purpose: str
    number: str
    message: str


@dataclass
class Oracle:
    """By subject and number; and all messages."""

    vault: LifeVault
    numbers: dict[tuple[str, str], Known] = field(default_factory=dict)
    messages: list[Kept] = field(default_factory=list)
    checks: int = 0

    def protected(self, subject: str, number: str, purposes: set[str], answer: Mapping[str, Any]) -> None:
        """Answered by Protect."""
        known = self.numbers.get((subject, number))
        if known is None:
            assert answer.get("created") is True, f"a new number: {answer}"
            assert answer["token"] not in self.tokens(), "a token twice"
            self.numbers[subject, number] = Known(answer["token"], set(purposes))
        else:
            assert answer.get("created") is False, f"a number that is stored already: {answer}"
            assert answer["token"] == known.token, "another token for the same number"
            known.purposes |= purposes

    def adopt(self, subject: str, number: str, purposes: set[str]) -> None:
        """After a Protect whose answer is lost: it may have stored the number, and added the purposes, or not."""
        new = [row for row in self.vault.tables.records.values() if row.token not in self.tokens()]
        assert len(new) <= 1, "one Protect has stored more than one record"
        for row in new:
            assert row.subject_id == subject
            assert (subject, number) not in self.numbers, "a number is stored twice"
            self.numbers[subject, number] = Known(row.token, set(purposes))
        for row in self.vault.tables.records.values():
            known = self.numbers.get((subject, number))
            if known is not None and row.token == known.token:
                known.purposes |= set(row.grants)

    def tokens(self) -> set[str]:
        """Of all numbers."""
        return {known.token for known in self.numbers.values()}

    def check_answers(self, functions: Functions) -> None:
        """All that one instance of each function must know; a function that is left out is busy."""
        known = [(subject, number, each) for (subject, number), each in self.numbers.items()]
        if not known:
            return
        self.checks += 1
        if "Reveal" in functions:
            asked = [{"token": each.token, "purpose": min(each.purposes)} for _, _, each in known]
            revealed = list(_answers(functions["Reveal"], asked))
            assert [each.get("number") for each in revealed] == [number for _, number, _ in known], revealed
        if "Verify" in functions:
            asked = [
                {"token": each.token, "purpose": min(each.purposes), "number": number} for _, number, each in known
            ]
            asked.append({**asked[0], "number": next(each for each in NUMBERS if each != known[0][1])})
            verified = list(_answers(functions["Verify"], asked))
            assert [each.get("match") for each in verified] == [True] * len(known) + [False], verified
        if "Lookup" in functions:
            self._check_lookups(functions["Lookup"])
        if "Protect" in functions:
            self._protect_again(functions["Protect"], known[self.checks % IN_TURN :: IN_TURN])
        if "Decrypt" in functions:
            kept = self.messages[self.checks % IN_TURN :: IN_TURN]
            asked = [{"message": each.message, "subject_id": each.subject, "purpose": each.purpose} for each in kept]
            decrypted = list(_answers(functions["Decrypt"], asked))
            assert [each.get("number") for each in decrypted] == [each.number for each in kept], decrypted

    def _protect_again(self, protect: Operation[Any], known: list[tuple[str, str, Known]]) -> None:
        requests: list[dict[str, Any]] = [
            {"subject_id": subject, "number": number, "purposes": {min(each.purposes): {}}}
            for subject, number, each in known
        ]
        for (subject, number, each), answer in zip(known, _answers(protect, requests), strict=True):
            self.protected(subject, number, {min(each.purposes)}, answer)

    def _check_lookups(self, lookup: Operation[Any]) -> None:
        asked = [{"number": number, "purpose": purpose} for number in NUMBERS for purpose in PURPOSES]
        for request, answer in zip(asked, _answers(lookup, asked), strict=True):
            expected = sorted(
                (each.token, subject, sorted(each.purposes))
                for (subject, number), each in self.numbers.items()
                if number == request["number"] and request["purpose"] in each.purposes
            )
            found = [(each["token"], each["subject_id"], each["purposes"]) for each in answer.get("matches", [])]
            assert found == expected, f"Lookup: {answer}, not {expected}"

    def check_tables(self, now: datetime) -> None:
        """What holds at every moment, whatever is under way."""
        self._check_versions()
        tables = self.vault.tables
        assert set(tables.records) == {(TENANT, token) for token in self.tokens()}, "stored, but not known; or lost"
        branch, index = self.vault.states(KeyUse.BRANCH), self.vault.states(KeyUse.INDEX)
        read = next((version for version, state in index.items() if state is KeyState.ACTIVE), None)
        for row in self._wrapped():
            version = row.branch_key_version
            assert version is not None
            assert branch[version] in UNWRAPPING, f"a record needs branch version {version}, which is {branch[version]}"
        for row in tables.records.values():
            stands_in = row.index_positions.keys()
            assert read in stands_in, f"a record is not in index version {read}, which is read"
            needed = [version for version in stands_in if index[version] in GONE]
            assert not needed, f"a record stands in index versions {needed}, which are gone"
            live = [version for version in stands_in if index[version] in INDEXING]
            entries = [tables.index.get(place) for place in tables.places(row, live)]
            assert entries == [row.token] * len(live), "a record lacks its entry in the index"
        for place, token in tables.index.items():
            row = tables.records[(place.tenant_id, token)]  # type: ignore[index]  # a RecordId is such a pair
            position = row.index_positions.get(place.version)
            if index[place.version] in INDEXING:
                assert position is not None, "an entry that its record does not know"
                assert position.blind_index == place.blind_index
        self._check_census(now)

    def _check_versions(self) -> None:
        for use in ROTATED:
            states = self.vault.states(use)
            assert list(states) == list(range(1, len(states) + 1)), f"{use}: versions are not consecutive"
            counted = list(states.values())
            assert counted.count(KeyState.PENDING) <= 1
            assert not counted or counted.count(KeyState.ACTIVE) == 1, f"{use}: {states}"

    def _check_census(self, now: datetime) -> None:
        """A census that proves a version unused, proves it for ever."""
        census = self.vault.census()
        if census is None:
            return
        assert census.begun_at <= now
        tables = self.vault.tables
        for use in ROTATED:
            for key in self.vault.versions(use):
                if census.proves_unused(key, wait_of(POLICY)):
                    version = key.key_id.version
                    left = (
                        [row for row in self._wrapped() if row.branch_key_version == version]
                        if use is KeyUse.BRANCH
                        else [row for row in tables.records.values() if version in row.index_positions]
                    )
                    assert not left, f"the census says that nothing is on {key.key_id.path}"

    def _wrapped(self) -> list[StoredNumber | MessageKey]:
        return [*self.vault.tables.records.values(), *self.vault.tables.message_keys.values()]

    def proven_unused(self) -> set[int]:
        """Branch versions that the last census proves unused."""
        census = self.vault.census()
        keys = self.vault.versions(KeyUse.BRANCH) if census is not None else []
        return {key.key_id.version for key in keys if census and census.proves_unused(key, wait_of(POLICY))}


def _answers(function: Operation[Any], requests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for at in range(0, len(requests), AT_ONCE):
        items = [{"tenant_id": TENANT, **each} for each in requests[at : at + AT_ONCE]]
        yield from function(CALLER, {"items": items})["results"]
