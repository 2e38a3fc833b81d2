"""Audit entries in their canonical form."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from phone_vault.domain.audit import BEGINNING, Entry, Event, Place, about, canonical_text
from phone_vault.domain.callers import direct_caller

AT = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)
PLACE = Place("Reveal#w", 7, BEGINNING, "acme/1")
CALLER = direct_caller("billing")


def test_the_canonical_text_is_fixed_to_the_byte() -> None:
    event = Event("revealed", CALLER, "acme", ("delivery",), "order ä", ("tok_a",), "ref", None)
    assert canonical_text(event, PLACE, AT) == (
        '{"at":"2026-01-01T12:00:00Z","authentication":"direct","chain":"Reveal#w","function":"Reveal",'
        '"keyed_by":"acme/1","outcome":"revealed","previous":"' + "0" * 64 + '","principal":["direct:billing"],'
        '"purpose":["delivery"],"reason":"order ä","sequence":7,"subject_ref":"ref","tenant_id":"acme",'
        '"token":["tok_a"]}'
    )


def test_what_is_not_known_is_left_out() -> None:
    text = canonical_text(Event("refused", CALLER, problem="invalid-request"), PLACE, AT)
    assert json.loads(text).keys() == {
        "at",
        "authentication",
        "chain",
        "function",
        "keyed_by",
        "outcome",
        "previous",
        "principal",
        "problem",
        "sequence",
    }


def test_an_empty_reason_is_told_from_none() -> None:
    assert json.loads(canonical_text(Event("revealed", CALLER, reason=""), PLACE, AT))["reason"] == ""


def test_line_breaks_and_quotes_stay_inside_their_value() -> None:
    event = Event("revealed", CALLER, reason='","outcome":"refused"\n')
    read = json.loads(canonical_text(event, PLACE, AT))
    assert (read["outcome"], read["reason"]) == ("revealed", '","outcome":"refused"\n')


def test_an_entry_s_digest_is_over_its_text_and_its_mac() -> None:
    entry = Entry("Reveal#w", 1, "2026-01-01T00:00:00Z", None, "text", b"mac")
    assert entry.digest == hashlib.sha256(b"textmac").hexdigest()


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        pytest.param(Event("revealed", CALLER, "acme", tokens=("tok_a",)), "acme#tok_a", id="a-token"),
        pytest.param(
            Event("created", CALLER, "acme", tokens=("tok_a",), subject_ref="ref"),
            "acme#tok_a",
            id="a-token-and-subject",
        ),
        pytest.param(Event("updated", CALLER, "acme", subject_ref="ref"), "acme#ref", id="a-subject"),
        pytest.param(Event("looked-up", CALLER, "acme", tokens=("tok_a", "tok_b")), None, id="several-tokens"),
        pytest.param(Event("looked-up", CALLER, "acme"), None, id="no-token"),
        pytest.param(Event("refused", CALLER), None, id="no-tenant"),
        pytest.param(Event("refused", CALLER, tokens=("tok_a",)), None, id="a-token-of-no-tenant"),
    ],
)
def test_an_entry_is_about_one_thing_or_nothing(event: Event, subject: str | None) -> None:
    assert about(event) == subject
