"""What another policy changes: each test has a vault of its own."""

import json
from datetime import datetime, timedelta

from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.policy import POLICY
from tests.integration.support.vault import open_vault, problem

SENDERS_SESSION = "arn:aws:sts::123456789012:assumed-role/otp-sender/session"


def test_without_an_entry_for_direct_a_forged_context_reveals_nothing() -> None:
    strict = {**POLICY, "principals": [each for each in POLICY["principals"] if each["match"] != "direct"]}
    strict["principals"] = [*strict["principals"], {**POLICY["principals"][-1], "match": "direct:ops"}]
    request = {"subject_id": "s", "number": BRITISH, "purposes": {"account_security": {}}}
    with open_vault(strict) as vault:
        token = vault.invoke("Protect", request, alias="ops")["token"]
        plain = vault.invoke("Reveal", {"token": token, "purpose": "account_security"})
        body = json.dumps({"token": token, "purpose": "account_security"})
        forged_context = {"authorizer": {"iam": {"userArn": SENDERS_SESSION}}}
        forged = vault.invoke("Reveal", {"version": "2.0", "requestContext": forged_context, "body": body})
    assert (problem(plain), problem(forged)) == ("principal-not-permitted", "invalid-request")


def test_the_policys_default_jurisdiction_may_be_another() -> None:
    with open_vault({**POLICY, "default_jurisdiction": "CCPA"}) as vault:
        answer = vault.protect("t", number=AMERICAN, purposes={"fraud": {}})
        assert answer["jurisdiction"] == "CCPA"
        assert datetime.fromisoformat(answer["expires_at"]) == vault.clock.now() + timedelta(days=20)


def test_the_mask_shows_what_the_policy_says() -> None:
    with open_vault({**POLICY, "mask": {"visible_suffix": 2}}) as vault:
        stored = vault.protect("t")
        revealed = vault.reveal("t", stored["token"], view="masked")
    assert (stored["masked"], revealed["masked"]) == ("+44********56", "+44********56")


def test_a_policy_that_has_been_shortened_acts_at_once_and_one_that_was_lengthened_does_not() -> None:
    """Two policies over one store: the earlier of the stored and the current one's end is enforced."""
    delivery = {days: {"lawful_basis": "contract", "retention": {"days": days, "from": "created"}} for days in (3, 99)}
    with open_vault() as vault:
        stored = vault.protect("t", purposes={"delivery": {}})
        ends = {}
        for days, purpose in delivery.items():
            vault.replace_policy({**POLICY, "purposes": {**POLICY["purposes"], "delivery": purpose}})
            ends[days] = datetime.fromisoformat(vault.reveal("t", stored["token"], "delivery")["expires_at"])
        now = vault.clock.now()
    assert ends == {3: now + timedelta(days=3), 99: now + timedelta(days=30)}
