"""What messages leave behind: no number in tables, logs, audit entries, metrics or encryption contexts."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.support.corpus import Corpus, encryption_context
from tests.integration.support.messages import decrypt, encrypt, message_row, raw
from tests.integration.support.numbers import AMERICAN, BRITISH, example
from tests.integration.support.tenants import with_tenants
from tests.integration.support.vault import Vault, open_vault
from tests.integration.support.wire import to

NUMBERS = [BRITISH, AMERICAN, example("DE"), example("IT")]
TENANTS = ["branch", "direct"]


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """After every flow, answered and refused."""
    with open_vault(with_tenants({"direct": {"wrapping": "direct"}}), swept=False) as opened:
        for tenant in TENANTS:
            for at, number in enumerate(NUMBERS):
                message = encrypt(opened, tenant, f"subject-{at}", number)["message"]
                decrypt(opened, tenant, message, f"subject-{at}", reason="a call back")
                decrypt(opened, tenant, message, "another")
                decrypt(opened, tenant, message[:-8], f"subject-{at}")
                encrypt(opened, tenant, f"subject-{at}", number, "marketing_sms")
                encrypt(opened, tenant, f"subject-{at}", number[:-3])
                encrypt(opened, tenant, number, number)
        yield opened


def test_nothing_that_is_left_shows_a_number(vault: Vault) -> None:
    vault.collect()
    assert vault.corpus.numbers
    assert vault.corpus.leaks() == []


def test_the_detector_would_find_one(vault: Vault) -> None:
    corpus = Corpus(numbers=set(vault.corpus.numbers))
    corpus.heard(json.dumps({"number": "+447400123456"}))
    assert corpus.leaks()


@pytest.mark.parametrize("tenant", TENANTS)
def test_no_message_is_kept_by_the_vault(vault: Vault, tenant: str) -> None:
    tail = raw(encrypt(vault, tenant))[-16:]
    everything = str([vault.rows(table) for table in ("RecordKeys", "Numbers", "Subjects", "AuditTrail")])
    assert repr(tail)[2:-1] not in everything
    assert not vault.rows("Numbers")


def test_no_subject_id_is_in_a_message_or_in_an_encryption_context_of_kms(vault: Vault) -> None:
    message = raw(encrypt(vault, "direct", "subject-0"))
    of_kms = [each.body["EncryptionContext"] for each in to("kms", vault.wire.sent)]
    assert "subject-0" not in str([encryption_context(message), *of_kms])


def test_subjects_name_no_subject_id(vault: Vault) -> None:
    assert "subject-0" not in str(vault.rows("Subjects"))


def test_the_row_of_a_message_key_names_its_subject_by_reference(vault: Vault) -> None:
    encrypt(vault, "alone", "subject-0")
    assert "subject-0" not in message_row(vault, "alone")["record_id"]["S"]
