"""What the time of an answer could tell: nothing, as far as requests, sizes and comparisons decide it.

Times are measured by tests/benchmarks/timing.py; here they are not, because they would fail by chance.
"""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

import phone_vault
from phone_vault.crypto import macs
from phone_vault.domain.secret import SecretKey
from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.numbers import AMERICAN, BRITISH
from tests.integration.support.vault import Vault, problem

Verb = Callable[..., Any]

warm_and_cold = pytest.mark.parametrize("instance", ["warm", "cold"])
SAME_WORD = {"mismatch": "match"}
"""What an audit entry has to say differently, so that sizes are compared without it."""


class Asked(NamedTuple):
    """A request of a function, as far as somebody who watches the clock could see it."""

    operation: str
    characters: int
    read_units: float
    write_units: float


def asked(vault: Vault, instance: str, verb: Verb, *arguments: str) -> list[Asked]:
    """What goes over the wire, by an instance that was asked once before (`warm`), or never."""
    vault.cloud.restart()
    if instance == "warm":
        verb(*arguments)
    before = len(vault.cloud.calls)
    with vault.sending() as sent:
        verb(*arguments)
    calls = vault.cloud.calls[before:]
    assert [each.operation for each in calls] == [each.operation for each in sent]
    return [
        Asked(each.name, len(_without_the_outcome(json.dumps(each.body))), call.read_units, call.write_units)
        for each, call in zip(sent, calls, strict=True)
    ]


def _without_the_outcome(body: str) -> str:
    for word, same in SAME_WORD.items():
        body = body.replace(word, same)
    return body


@warm_and_cold
def test_a_match_and_a_mismatch_are_the_same_requests_of_the_same_sizes(
    vault: Vault, tenant: str, instance: str
) -> None:
    token = vault.protect(tenant)["token"]
    assert [vault.verify(tenant, token, number)["match"] for number in (BRITISH, AMERICAN)] == [True, False]
    match, mismatch = (asked(vault, instance, vault.verify, tenant, token, number) for number in (BRITISH, AMERICAN))
    assert match == mismatch


@warm_and_cold
@pytest.mark.parametrize("function", ["Reveal", "Verify"])
def test_an_unknown_token_and_another_tenants_are_the_same_requests_of_the_same_sizes(
    vault: Vault, tenant: str, function: str, instance: str
) -> None:
    foreign, own = (vault.protect(each)["token"] for each in (vault.tenant(), tenant))
    unknown = own[:-1] + ("a" if own[-1] != "a" else "b")
    verbs: dict[str, Verb] = {"Reveal": vault.reveal, "Verify": vault.verify}
    verb = verbs[function]
    assert problem(verb(tenant, foreign)) == "not-found"
    assert verb(tenant, foreign) == verb(tenant, unknown)
    of_foreign, of_unknown = (asked(vault, instance, verb, tenant, token) for token in (foreign, unknown))
    assert of_foreign == of_unknown


class Guarded(bytes):
    """A digest that is compared in constant time or not at all."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        raise AssertionError("a digest is compared with ==")

    def __ne__(self, other: object) -> bool:
        return not self == other


@pytest.fixture
def guarded(vault: Vault) -> Iterator[Vault]:
    """Every digest that its functions compute refuses to be compared but by `macs.equal`."""
    compute = macs.mac

    def computed(key: SecretKey, label: str, *parts: bytes) -> bytes:
        return Guarded(compute(key, label, *parts))

    with patch.object(macs, "mac", computed):
        yield vault


def test_every_comparison_of_a_digest_takes_constant_time(guarded: Vault, tenant: str) -> None:
    consent = {"marketing_sms": {"consent": {"given_at": "2026-01-01T00:00:00Z", "evidence": "form 1"}}}
    token = guarded.protect(tenant, purposes={"account_security": {}, **consent})["token"]
    assert guarded.protect(tenant)["token"] == token
    assert guarded.protect(tenant, purposes={"marketing_sms": {}})["token"] == token
    assert guarded.reveal(tenant, token)["number"] == "+447400123456"
    assert len(guarded.lookup(tenant)["matches"]) == 1
    assert guarded.verify(tenant, token) == {"match": True}
    assert guarded.verify(tenant, token, AMERICAN) == {"match": False}
    message = encrypt(guarded, tenant)["message"]
    assert decrypt(guarded, tenant, message)["number"] == "+447400123456"


def test_a_guarded_digest_notices_a_comparison() -> None:
    with pytest.raises(AssertionError, match="compared with =="):
        _ = bytes(32) == Guarded(32)


SHOWS_A_SECRET = {"expose", "disclose", "mac", "blind_index", "index_binding", "audit_mac"}
"""Functions whose value is a secret, or tells one."""


def compared_directly(source: str) -> list[int]:
    """Lines that compare what one of these functions answers, there and then."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        for call in ast.walk(side)
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in SHOWS_A_SECRET
    ]


def test_no_line_compares_a_secret_as_it_gets_it() -> None:
    """Values that went through a name first are not seen here; the digests among them are by the test above."""
    folder = Path(phone_vault.__file__).parent
    found = {
        f"{path.relative_to(folder)}:{line}"
        for path in folder.rglob("*.py")
        for line in compared_directly(path.read_text())
    }
    assert not found


def test_a_line_that_compares_a_secret_is_found() -> None:
    assert compared_directly("if key.expose() == other:\n    pass\n") == [1]
