"""Messages of a subject under a legal hold, and keys that are made in place of destroyed ones."""

from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.message_key import MessageKeyId
from phone_vault.domain.subject import SubjectId
from tests.unit.services.rights_world import NUMBERS, SUBJECT, RightsWorld

ABOUT = {"subject_id": SUBJECT, "purpose": "delivery"}


@pytest.fixture
def world() -> RightsWorld:
    return RightsWorld()


@pytest.fixture
def message(world: RightsWorld) -> str:
    return encrypted(world)


def encrypted(world: RightsWorld) -> str:
    return str(world.call("Encrypt", {**ABOUT, "number": NUMBERS[0]})["message"])


def decrypt(world: RightsWorld, message: str, **how: str) -> dict[str, Any]:
    return world.call("Decrypt", {**ABOUT, "message": message, **how})


def hold(world: RightsWorld) -> None:
    world.call("Hold", {"subject_id": SUBJECT, "action": "place", "case_id": "case 7", "reason": "court"})


def end_and_encrypt_again(world: RightsWorld) -> None:
    world.clock.advance(timedelta(days=400))
    encrypted(world)


class TestHeld:
    """What a hold keeps is not destroyed by going on."""

    def test_an_older_message_is_read_for_the_case(self, world: RightsWorld, message: str) -> None:
        hold(world)
        end_and_encrypt_again(world)
        assert decrypt(world, message, purpose="legal_hold", reason="case 7")["number"].endswith("3456")

    def test_it_is_not_revived_for_its_purpose(self, world: RightsWorld, message: str) -> None:
        hold(world)
        end_and_encrypt_again(world)
        problem = decrypt(world, message)["problem"]["type"]
        assert problem.endswith("purpose-not-permitted")

    def test_without_a_hold_its_key_is_gone(self, world: RightsWorld, message: str) -> None:
        end_and_encrypt_again(world)
        assert "problem" in decrypt(world, message, purpose="legal_hold", reason="case 7")


class TestMadeAnew:
    """In place of a tombstone."""

    def test_the_revision_goes_on_so_that_no_older_write_fits(self, world: RightsWorld, message: str) -> None:
        del message
        subject_ref = world.functions["Encrypt"].key_ring.subject_ref("default", SUBJECT)
        key_id = MessageKeyId("default", SubjectId("default", subject_ref).subject_ref, "delivery")
        before = world.tables.message_keys[key_id].revision
        world.call("Erase", {"subject_id": SUBJECT, "reason": "asked"})
        encrypted(world)
        assert world.tables.message_keys[key_id].revision > before


class TestOrderOfProblems:
    """Consent before restriction, as the contract has it."""

    @pytest.mark.parametrize("function", ["Protect", "Encrypt"])
    def test_a_missing_consent_comes_before_a_restriction(self, world: RightsWorld, function: str) -> None:
        consent = world.consent()
        number = {"subject_id": SUBJECT, "number": NUMBERS[0]}
        first = {
            "Protect": {**number, "purposes": {"marketing": {"consent": consent}}},
            "Encrypt": {**number, "purpose": "marketing", "consent": consent},
        }[function]
        again = {
            "Protect": {**number, "purposes": {"marketing": {}}},
            "Encrypt": {**number, "purpose": "marketing"},
        }[function]
        assert "problem" not in world.call(function, first)
        world.call("Restrict", {"subject_id": SUBJECT, "action": "restrict", "ground": "accuracy"})
        assert world.problem(function, again) == "restricted"
        world.clock.advance(timedelta(days=4000))
        assert world.problem(function, again) == "consent-required"
