"""One token and one record for a subject's number, whoever comes at once."""

from tests.integration.support.numbers import BRITISH
from tests.integration.support.threads import at_once, overtaken
from tests.integration.support.vault import Vault
from tests.integration.support.wire import Sent

CALLERS = 16


def rows_of(vault: Vault, tenant: str) -> dict[str, int]:
    tables = ("RecordKeys", "Numbers", "LookupIndex", "Subjects")
    return {table: len(vault.rows(table, tenant)) for table in tables}


ONE_OF_EACH = {"RecordKeys": 1, "Numbers": 1, "LookupIndex": 1, "Subjects": 1}


def test_16_at_once_get_one_token_and_leave_one_row_of_each_kind(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    before = rows_of(vault, tenant)
    answers = at_once(CALLERS, lambda _: vault.protect(tenant))
    assert len({each["token"] for each in answers}) == 1
    assert rows_of(vault, tenant) == {table: count + 1 for table, count in before.items()}


def test_exactly_one_of_them_created_it(vault: Vault, tenant: str) -> None:
    answers = at_once(CALLERS, lambda _: vault.protect(tenant))
    assert [each["created"] for each in answers].count(True) == 1
    assert rows_of(vault, tenant) == ONE_OF_EACH


def test_each_of_them_has_an_audit_entry(vault: Vault, tenant: str) -> None:
    with vault.audited() as entries:
        at_once(CALLERS, lambda _: vault.protect(tenant))
    outcomes = sorted(each["outcome"] for each in entries)
    assert outcomes == ["created"] + ["merged"] * (CALLERS - 1)


def test_different_purposes_at_once_are_all_merged(vault: Vault, tenant: str) -> None:
    purposes = ("account_security", "delivery", "fraud")
    at_once(9, lambda at: vault.protect(tenant, purposes={purposes[at % 3]: {}}))
    (match,) = vault.lookup(tenant)["matches"]
    assert match["purposes"] == sorted(purposes)
    assert rows_of(vault, tenant) == ONE_OF_EACH


def test_the_same_number_twice_in_two_batches_at_once_is_one_record(vault: Vault, tenant: str) -> None:
    items = [{"subject_id": "s", "number": BRITISH, "purposes": {"delivery": {}}}] * 5
    answers = at_once(4, lambda _: vault.invoke("Protect", {"tenant_id": tenant, "items": items})["results"])
    assert len({each["token"] for results in answers for each in results}) == 1
    assert rows_of(vault, tenant) == ONE_OF_EACH


def test_reveals_at_once_on_the_first_use_of_a_day_are_all_answered(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    answers = at_once(CALLERS, lambda _: vault.reveal(tenant, token))
    assert {each.get("number") for each in answers} == {"+447400123456"}


def test_reveals_at_once_store_one_last_use(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    at_once(CALLERS, lambda _: vault.reveal(tenant, token))
    (row,) = vault.rows("RecordKeys", token)
    assert row["revision"] == {"N": "2"}


def writing(sent: Sent) -> bool:
    return sent.operation == "TransactWriteItems"


def test_a_protect_that_is_overtaken_takes_the_token_of_the_faster(vault: Vault, tenant: str) -> None:
    vault.protect(tenant, "warm-up")
    slow, fast = overtaken(vault.wire, lambda: vault.protect(tenant), lambda: vault.protect(tenant), writing)
    assert (slow["token"], slow["created"], fast["created"]) == (fast["token"], False, True)


def test_a_merge_that_is_overtaken_keeps_what_the_faster_has_merged(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)

    def merging(sent: Sent) -> bool:
        return writing(sent) and "Update" in str(sent.body)

    overtaken(
        vault.wire,
        lambda: vault.protect(tenant, purposes={"delivery": {}}),
        lambda: vault.protect(tenant, purposes={"fraud": {}}),
        merging,
    )
    (match,) = vault.lookup(tenant)["matches"]
    assert match["purposes"] == ["account_security", "delivery", "fraud"]


def test_a_reveal_that_a_merge_overtakes_does_not_undo_it(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    overtaken(
        vault.wire,
        lambda: vault.reveal(tenant, token),
        lambda: vault.protect(tenant, purposes={"delivery": {}}),
        writing,
    )
    (match,) = vault.lookup(tenant)["matches"]
    assert match["purposes"] == ["account_security", "delivery"]


def test_a_reveal_that_another_overtakes_for_another_purpose_does_not_undo_its_use(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant, purposes={"account_security": {}, "delivery": {}})["token"]
    overtaken(
        vault.wire,
        lambda: vault.reveal(tenant, token, "account_security"),
        lambda: vault.reveal(tenant, token, "delivery"),
        writing,
    )
    (row,) = vault.rows("RecordKeys", token)
    assert row["last_used"]["M"].keys() == {"account_security", "delivery"}
