"""What applications are told of keys that are refused, and of tenants that have left."""

from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.keys import KeyState, KeyUse
from tests.fakes import MemoryTables
from tests.unit.samples import AMERICAN, BRITISH
from tests.unit.services.jobs import Jobs
from tests.unit.services.world import World

FUNCTIONS = ("Protect", "Reveal", "Lookup", "Verify", "Encrypt", "Decrypt")
MAX_AGE = timedelta(seconds=300)


class Served:
    """A tenant with a stored number and a message, and as many instances of the functions as a test wants."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self._tables = MemoryTables()
        self.warm = self.instance()
        self.token = self.warm.call("Protect", self.request("Protect"))["token"]
        self.message = self.warm.call("Encrypt", self.request("Encrypt"))["message"]
        for function in FUNCTIONS:
            assert "problem" not in self.warm.call(function, self.request(function))

    def instance(self) -> World:
        """A cold one of each."""
        jobs = self.jobs
        return World(clock=jobs.clock, log=jobs.log, kms=jobs.kms, key_ring_store=jobs.store, tables=self._tables)

    def request(self, function: str) -> dict[str, Any]:
        """One that is answered while the keys are there."""
        number = {"number": BRITISH.disclose()}
        subject = {"subject_id": "cust-1"}
        purpose = {"purpose": "delivery"}
        fields: dict[str, dict[str, Any]] = {
            "Protect": {**subject, **number, "purposes": {"delivery": {}}},
            "Reveal": {"token": getattr(self, "token", ""), **purpose},
            "Lookup": {**number, **purpose},
            "Verify": {"token": getattr(self, "token", ""), **number, **purpose},
            "Encrypt": {**subject, **number, **purpose},
            "Decrypt": {"message": getattr(self, "message", ""), **subject, **purpose},
        }
        return {"tenant_id": "acme", **fields[function]}


@pytest.fixture
def served() -> Served:
    return Served()


@pytest.mark.parametrize("function", FUNCTIONS)
class TestATenantThatHasLeft:
    """Not found, whatever is asked."""

    def test_at_once_by_a_cold_instance(self, served: Served, function: str) -> None:
        served.jobs.off_board("acme")
        assert served.instance().problem(function, served.request(function)) == "not-found"

    def test_by_a_warm_one_at_its_age(self, served: Served, function: str) -> None:
        served.jobs.off_board("acme")
        served.jobs.clock.advance(MAX_AGE)
        assert served.warm.problem(function, served.request(function)) == "not-found"

    def test_though_its_keys_are_still_there(self, served: Served, function: str) -> None:
        rows = served.jobs.store.keys_of("acme").keys
        served.jobs.off_board("acme")
        for row in rows:
            served.jobs.store.overwrite(row)
        assert served.instance().problem(function, served.request(function)) == "not-found"

    def test_in_an_entry_under_the_vault_s_own_key(self, served: Served, function: str) -> None:
        served.jobs.off_board("acme")
        served.instance().problem(function, served.request(function))
        (entry,) = served.jobs.log.entries
        assert '"keyed_by":"#vault/1"' in entry.text


@pytest.mark.parametrize("state", [KeyState.RETIRED, KeyState.DESTROYED])
class TestAVersionThatIsRefused:
    """Records that are still on it cannot be read, and nothing else is the matter."""

    @pytest.fixture
    def refused(self, served: Served, state: KeyState) -> Served:
        served.jobs.rotate(use="branch", tenant_id="acme")
        row = served.jobs.version("acme", KeyUse.BRANCH, 1).in_state(KeyState.RETIRED, served.jobs.clock.now())
        if state is KeyState.DESTROYED:
            row = row.in_state(KeyState.DESTROYED, served.jobs.clock.now())
        served.jobs.store.overwrite(row)
        return served

    @pytest.mark.parametrize("function", ["Reveal", "Encrypt", "Decrypt"])
    def test_what_needs_the_key_says_so(self, refused: Served, function: str) -> None:
        assert refused.instance().problem(function, refused.request(function)) == "key-unavailable"

    @pytest.mark.parametrize("function", ["Protect", "Lookup", "Verify"])
    def test_what_does_not_need_it_answers(self, refused: Served, function: str) -> None:
        assert "problem" not in refused.instance().call(function, refused.request(function))

    def test_new_numbers_are_stored_under_the_new_version(self, refused: Served) -> None:
        world = refused.instance()
        stored = world.call("Protect", refused.request("Protect") | {"number": AMERICAN.disclose()})
        revealed = world.call("Reveal", refused.request("Reveal") | {"token": stored["token"]})
        assert revealed["number"] == AMERICAN.disclose()
