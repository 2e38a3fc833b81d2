"""What holds for a data subject as such."""

from datetime import UTC, datetime, timedelta

import pytest

from phone_vault.domain.errors import Conflict, ConsentRequired, Restricted
from phone_vault.domain.standing import NOTHING_SAID, Ended, Ending, Erasure, Ground, Hold, Level
from phone_vault.domain.subject import Subject, SubjectId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = SubjectId("acme", "ref")


def test_a_number_of_a_subject_of_whom_nothing_was_said_is_free() -> None:
    assert Subject(NOBODY).standing == NOTHING_SAID


def test_a_new_number_is_held_for_every_case_but_those_that_are_being_released() -> None:
    subject = Subject(NOBODY, cases=frozenset({"case 7", "case 8"}), releasing=frozenset({"case 8"}))
    assert subject.standing.holds == {Hold("case 7", Level.SUBJECT)}


def test_a_new_number_knows_what_was_withdrawn_before_it_was_stored() -> None:
    assert Subject(NOBODY, withdrawn={"marketing": NOW}).standing.ended == {"marketing": Ended(NOW, Ending.WITHDRAWN)}


def test_a_subject_that_is_being_erased_takes_no_numbers() -> None:
    with pytest.raises(Conflict):
        Subject(NOBODY, erasure=Erasure("erasure-1", NOW)).check_takes_numbers()


def test_a_restricted_subject_takes_no_numbers() -> None:
    with pytest.raises(Restricted):
        Subject(NOBODY, grounds=frozenset({Ground.CLAIMS})).check_takes_numbers()


@pytest.mark.parametrize("seconds", [-1, 0])
def test_a_consent_that_is_not_newer_than_the_withdrawal_does_not_count(seconds: int) -> None:
    with pytest.raises(ConsentRequired):
        Subject(NOBODY, withdrawn={"marketing": NOW}).check_consent("marketing", NOW + timedelta(seconds=seconds))


def test_a_consent_that_is_newer_or_for_another_purpose_counts() -> None:
    subject = Subject(NOBODY, withdrawn={"marketing": NOW})
    subject.check_consent("marketing", NOW + timedelta(seconds=1))
    subject.check_consent("delivery", NOW - timedelta(days=1))
    subject.check_consent("marketing", None)
