"""The leak sweep: last of all, over everything that all tests beside it have left behind.

It looks for the digits of every number that was sent, in any formatting, in base64 at each alignment, in hex, and as an
unsalted digest: in logs and metrics, in all items of all tables, in encryption contexts (of KMS calls and of the
messages' headers), in problems, answers and exception texts. `number` in an answer of Reveal is the one exception.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from phone_vault.local import FunctionError
from tests.integration.support.corpus import COLLECTED, Corpus, encryption_context
from tests.integration.support.numbers import AMERICAN, BRITISH, example
from tests.integration.support.policy import SENDER
from tests.integration.support.vault import TABLES, Vault, open_vault, problem
from tests.integration.support.wire import Answer, Choice, Fault, error

NUMBERS = (BRITISH, AMERICAN, example("DE"), example("FR"), example("BR"), example("IN"))
SECRET = "447400123456"
UNKNOWN = "tok_" + "0" * 25


# The detector detects.


def hidden(number: str) -> dict[str, str]:
    raw = number.encode()
    return {
        "bare": f"x{number}x",
        "national": f"call {number[2:]} now",
        "spaced": " ".join(number),
        "dotted": ".".join(number),
        "formatted": "+44 (0)7400 / 123-456",
        "letters between": "d".join(number),
        "wide": number.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)}),
        "base64": base64.b64encode(raw).decode(),
        "base64 shifted by one": base64.b64encode(b"x" + raw).decode(),
        "base64 shifted by two": base64.b64encode(b"xy" + raw + b"z").decode(),
        "base64 of the national form": base64.urlsafe_b64encode(b'{"n":"' + raw[2:] + b'"}').decode(),
        "hex": raw.hex(),
        "hex shifted": "a" + raw.hex().upper(),
        "md5": hashlib.md5(raw, usedforsecurity=False).hexdigest(),
        "sha1 of E.164": hashlib.sha1(b"+" + raw, usedforsecurity=False).hexdigest().upper(),
        "sha256 of the national form": hashlib.sha256(raw[2:]).hexdigest(),
        "sha256 with trunk prefix": "id-" + hashlib.sha256(b"0" + raw[2:]).hexdigest(),
    }


@pytest.mark.parametrize("disguise", hidden(SECRET))
def test_the_detector_sees_a_number_in_a_text(disguise: str) -> None:
    corpus = Corpus()
    corpus.asked({"number": "+44 7400 123456"})
    corpus.heard(f'{{"level":"INFO","message":"{hidden(SECRET)[disguise]}"}}')
    assert corpus.leaks()


ROWS: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "text": lambda raw: {"a": {"S": raw.decode()}},
    "name": lambda raw: {raw.decode(): {"S": "a"}},
    "number": lambda raw: {"a": {"N": raw.decode()}},
    "bytes": lambda raw: {"a": {"B": b"\x00" + raw}},
    "nested": lambda raw: {"a": {"M": {"b": {"L": [{"S": raw.decode()}]}}}},
    "set": lambda raw: {"a": {"SS": ["b", raw.decode()]}},
    "digest": lambda raw: {"a": {"B": hashlib.sha256(raw).digest()}},
    "key of a map": lambda raw: {"a": {"M": {raw.decode(): {"S": "b"}}}},
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_detector_sees_a_number_in_a_row(row: Callable[[bytes], dict[str, Any]]) -> None:
    corpus = Corpus()
    corpus.asked({"items": [{"number": "07400 123456", "region": "GB"}]})
    corpus.stored(row(SECRET.encode()))
    assert corpus.leaks()


def test_the_detector_sees_a_number_in_a_messages_encryption_context() -> None:
    fields = [b"number", SECRET.encode()]
    body = (1).to_bytes(2, "big") + b"".join(len(each).to_bytes(2, "big") + each for each in fields)
    message = b"\x02" + b"\x04\x78" + b"\x00" * 32 + len(body).to_bytes(2, "big") + body
    assert encryption_context(message) == {"number": SECRET}


def test_the_detector_lets_a_mask_and_random_bytes_pass() -> None:
    corpus = Corpus()
    corpus.asked({"number": "+44 7400 123456"})
    corpus.heard('{"masked":"+44******3456","at":"2026-01-01T00:00:00Z"}')
    corpus.stored({"a": {"B": hashlib.sha512(b"salt" + SECRET.encode()).digest()}})
    assert not corpus.leaks()


def test_the_detector_sees_a_number_where_only_reveal_may_answer_one() -> None:
    corpus = Corpus()
    corpus.asked({"number": "+44 7400 123456"})
    corpus.answered({"token": UNKNOWN, "purpose": "p", "number": "+447400123456"})
    assert not corpus.leaks()
    corpus.answered({"matches": [{"token": UNKNOWN, "number": "+447400123456"}]})
    assert corpus.leaks()


# All flows, good and bad.


def drive(vault: Vault, number: str) -> None:
    """Everything that a number can go through."""
    tenant = vault.tenant()
    stored = vault.protect(tenant, number=number, purposes={"account_security": {}, "delivery": {}})
    token = stored["token"]
    vault.protect(tenant, number=number)
    for _ in range(2):
        vault.reveal(tenant, token, reason="case 12")
        vault.reveal(tenant, token, view="masked")
        vault.lookup(tenant, number)
        vault.verify(tenant, token, number)
        vault.cloud.restart()
    items = [{"number": number, "subject_id": f"s-{at}", "reference": f"row {at}"} for at in range(3)]
    vault.invoke("Protect", {"tenant_id": tenant, "purposes": {"delivery": {}}, "items": items})
    misuse(vault, tenant, token, number)
    if number in (BRITISH, AMERICAN):
        break_down(vault, tenant, token, number)


def misuse(vault: Vault, tenant: str, token: str, number: str) -> None:
    """The number in every field where it does not belong."""
    digits = "".join(character for character in number if character.isdigit())
    e164 = f"+{digits}"
    good = {"tenant_id": tenant, "token": token, "number": number, "purpose": "account_security"}
    protect = {"tenant_id": tenant, "subject_id": "s", "number": number, "purposes": {"delivery": {}}}
    given_at = vault.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    md5 = hashlib.md5(e164.encode(), usedforsecurity=False).hexdigest()
    answers = [
        *(
            vault.invoke("Protect", {**protect, "subject_id": each})
            for each in (e164, digits, number, md5, f"{e164}@x")
        ),
        vault.invoke("Protect", {**protect, "tenant_id": digits}),
        vault.invoke("Protect", {**protect, "number": f"{number}99999"}),
        vault.invoke("Protect", {**protect, "number": f"{number} ext. 9"}),
        vault.invoke("Protect", {**protect, "number": [number]}),
        vault.invoke("Protect", {**protect, "region": digits}),
        vault.invoke("Protect", {**protect, "jurisdiction": number}),
        vault.invoke("Protect", {**protect, digits: number}),
        vault.invoke("Protect", {**protect, "purposes": {f"p{digits}": {}}}),
        vault.invoke("Protect", {**protect, "purposes": {number: {}}}),
        vault.invoke(
            "Protect",
            {**protect, "purposes": {"marketing_sms": {"consent": {"given_at": given_at, "evidence": f"by {number}"}}}},
        ),
        vault.invoke(
            "Protect", {**protect, "purposes": {"marketing_sms": {"consent": {"given_at": e164, "evidence": "e"}}}}
        ),
        vault.invoke("Verify", {**good, "reason": f"he said {number}"}),
        vault.invoke("Verify", {**good, "reason": " ".join(digits)}),
        vault.invoke("Verify", {**good, "token": digits}),
        vault.invoke("Verify", {**good, "purpose": digits}),
        vault.invoke("Verify", {**good, number: 1}),
        vault.invoke("Verify", {**good, "tenant_id": digits}),
        vault.invoke("Reveal", {"tenant_id": tenant, "token": token, "purpose": "delivery", "reason": f"call {e164}"}),
        vault.invoke("Reveal", {"tenant_id": tenant, "token": number, "purpose": "delivery"}),
        vault.invoke("Reveal", {"tenant_id": tenant, "token": token, "purpose": "delivery", "view": number}),
        vault.invoke("Lookup", {"tenant_id": tenant, "number": number, "purpose": number}),
        vault.invoke("Lookup", {"tenant_id": tenant, "number": number, "purpose": "delivery"}, principal=SENDER),
        vault.invoke("Lookup", number),
        vault.invoke("Lookup", [number]),
        vault.invoke("Lookup", {"items": number}),
        vault.invoke("Lookup", {"items": [number]}),
    ]
    assert all("problem" in each or "results" in each for each in answers)
    items = [{**good, "reference": number}, {**good, "reference": digits}, {**good, "reference": "-".join(digits)}]
    vault.invoke("Verify", {"items": items})
    body = {"version": "2.0", "requestContext": {"requestId": 7}, "body": json.dumps({**good, "colour": number})}
    vault.invoke_api("Verify", body, "http")
    vault.invoke_api("Verify", {**body, "body": f"{{{number}"}, "http")


def break_down(vault: Vault, tenant: str, token: str, number: str) -> None:
    """Every part of AWS refuses once, with the number in flight; then the store is tampered with."""
    for fault in (Fault.SERVER_ERROR, Fault.RESPONSE_LOST, error("ValidationException")):
        for operation in ("TransactWriteItems", "BatchGetItem", "Query", "PutItem", "Decrypt"):
            with vault.wire.failing(everything_of(operation, fault)):
                vault.protect(tenant, "another", number, {"delivery": {}})
                vault.reveal(tenant, token)
                vault.lookup(tenant, number)
                vault.verify(tenant, token, number)
    vault.clock.advance(seconds=300)
    vault.kms.disable_key(KeyId=vault.cloud.outputs["KekId"])
    assert problem(vault.reveal(tenant, token)) == "key-unavailable"
    vault.protect(tenant, "another", number)
    vault.kms.enable_key(KeyId=vault.cloud.outputs["KekId"])
    for table, name in (("RecordKeys", "wrapped_key"), ("RecordKeys", "index_positions"), ("Numbers", "message")):
        (row,) = vault.rows(table, token)
        for value in ({"B": b"x"}, {"S": "x"}):
            vault.put(table, {**row, name: value})
            for function in ("Reveal", "Verify", "Lookup"):
                attempt(vault, function, {"tenant_id": tenant, "token": token, "number": number})
        vault.put(table, row)


def everything_of(operation: str, fault: Fault | Answer) -> Choice:
    return lambda sent, _: fault if sent.operation == operation else None


def attempt(vault: Vault, function: str, known: dict[str, str]) -> None:
    fields = {"Reveal": ("tenant_id", "token"), "Lookup": ("tenant_id", "number"), "Verify": tuple(known)}[function]
    try:
        vault.invoke(function, {**{name: known[name] for name in fields}, "purpose": "account_security"})
    except FunctionError:
        return  # its text is collected


@pytest.fixture(scope="module")
def driven() -> Corpus:
    """What all flows over all numbers leave, in a vault of its own; it joins what other tests have collected."""
    with open_vault() as vault:
        for number in NUMBERS:
            drive(vault, number)
        assert all(vault.rows(table) for table in TABLES)
    return COLLECTED


def test_a_token_that_spells_the_number_is_not_written_down() -> None:
    """A caller that puts the number where a token belongs: audit entries carry tokens, and no table holds a number."""
    with open_vault(swept=False) as vault:
        vault.protect("t")
        vault.verify("t", f"tok_0000000000{SECRET}")
        vault.collect()
        assert not vault.corpus.leaks()


def test_the_sweep_has_something_to_look_at(driven: Corpus) -> None:
    assert len(driven.numbers) >= 2 * len(NUMBERS)
    assert len(driven.texts) > 1_000
    assert any('"CloudWatchMetrics"' in text for text in driven.texts)
    assert any('"chain"' in text for text in driven.texts)
    assert any("urn:phone-vault:problem:" in text for text in driven.texts)
    assert any("TamperedStore" in text for text in driven.texts)
    assert "use record-key" in driven.texts


def test_no_number_has_leaked_anywhere(driven: Corpus) -> None:
    assert driven.leaks() == []
