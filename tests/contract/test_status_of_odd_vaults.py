"""`phone-vault status` of vaults that are new, odd, or not there at all."""

import json
import re
from typing import Any

import pytest

from phone_vault.adapters.inventory import Inventory
from phone_vault.adapters.operator_access import CannotAsk
from phone_vault.cli import main
from phone_vault.local import LocalCloud
from tests.embedded.probes import allow, client_as, deploy
from tests.integration.support.numbers import BRITISH

Output = pytest.CaptureFixture[str]
KEY = {"wrapped_key": {"B": b"wrapped"}}


def protect(cloud: LocalCloud, subject: str) -> None:
    cloud.invoke("Protect", {"subject_id": subject, "number": BRITISH, "purposes": {"delivery": {}}})


def status(capsys: Output) -> Any:
    assert main(["status", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_empty_vault_has_a_status(capsys: Output) -> None:
    with LocalCloud():
        assert status(capsys)["tenants"] == {}


def test_more_rows_than_fit_a_page_are_all_counted(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("moto.dynamodb.models.table.RESULT_SIZE_LIMIT", 2_000)
    with LocalCloud() as cloud:
        for each in range(12):
            protect(cloud, f"subject-{each}")
        page = cloud.client("dynamodb").scan(TableName=cloud.outputs["RecordKeysTable"])
        assert "LastEvaluatedKey" in page
        assert status(capsys)["totals"]["stored_numbers"]["total"] == 12


def test_rows_that_do_not_read_are_a_problem_beside_the_counts_of_the_others(capsys: Output) -> None:
    with LocalCloud() as cloud:
        protect(cloud, "anna")
        cloud.client("dynamodb").put_item(
            TableName=cloud.outputs["RecordKeysTable"], Item={"record_id": {"S": "default#tok_x"}, **KEY}
        )
        code = main(["status", "--json"])
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert (code, report["ok"], report["unreadable_rows"], report["totals"]["stored_numbers"]["total"]) == (
        1,
        False,
        {"RecordKeys": 1},
        1,
    )


def test_what_has_lost_its_key_is_neither_counted_nor_unreadable(capsys: Output) -> None:
    with LocalCloud() as cloud:
        protect(cloud, "anna")
        protect(cloud, "ben")
        dynamodb, table = cloud.client("dynamodb"), cloud.outputs["RecordKeysTable"]
        erased = dynamodb.scan(TableName=table)["Items"][0]["record_id"]
        dynamodb.update_item(TableName=table, Key={"record_id": erased}, UpdateExpression="REMOVE wrapped_key")
        report = status(capsys)
    assert (report["unreadable_rows"], report["totals"]["stored_numbers"]["total"]) == ({}, 1)


def off_boarded(cloud: LocalCloud) -> None:
    row = {"tenant_id": "default", "key_version": "tenant", "off_boarded_at": "2026-02-01T00:00:00Z"}
    cloud.client("dynamodb").put_item(
        TableName=cloud.outputs["KeyRingTable"], Item={name: {"S": value} for name, value in row.items()}
    )


def test_a_tenant_that_has_left_is_said_to_have(capsys: Output) -> None:
    with LocalCloud() as cloud:
        protect(cloud, "anna")
        off_boarded(cloud)
        report = status(capsys)
        assert main(["status"]) == 0
    assert (report["ok"], report["tenants"]["default"]["off_boarded_at"]) == (True, "2026-02-01T00:00:00Z")
    assert "default is off-boarded since 2026-02-01T00:00:00Z" in capsys.readouterr().out


def test_a_stack_that_is_no_vault_is_a_problem(capsys: Output) -> None:
    with LocalCloud() as cloud:
        deploy(cloud)
        assert main(["status", "--stack-name", "Probe"]) == 1
    assert "the stack Probe is no Phone Vault" in capsys.readouterr().err


def test_without_a_vault_it_is_wrong_usage(capsys: Output) -> None:
    assert main(["status"]) == 2
    assert "--stack-name" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_usage() -> None:
    assert main(["status", "--tenant", "acme"]) == 2


# The permissions that the help names.


def inventory_as(cloud: LocalCloud, attributes: dict[str, list[str]]) -> Inventory:
    """For a role that may scan tables, but read these attributes only."""
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/phone-vault-{}"
    only = [
        allow("dynamodb:Scan", table.format(name), ForAllValues__StringEquals={"dynamodb:Attributes": names})
        for name, names in attributes.items()
    ]
    deploy(cloud, *only)
    tables = {"record_keys": cloud.outputs["RecordKeysTable"], "key_ring": cloud.outputs["KeyRingTable"]}
    return Inventory(client_as(cloud, "Probe", "dynamodb"), **tables)


def named_in_help(capsys: Output) -> dict[str, list[str]]:
    main(["status", "--help"])
    _, record_keys, key_ring = re.split("RecordKeys:|KeyRing:", capsys.readouterr().out)
    return {
        "RecordKeys": re.findall(r"\w+", re.sub(r"\(.*?\)", "", record_keys.split(";")[0])),
        "KeyRing": re.findall(r"\w+", key_ring.split(".")[0]),
    }


def test_the_attributes_that_the_help_names_suffice(capsys: Output) -> None:
    with LocalCloud() as cloud:
        protect(cloud, "anna")
        inventory = inventory_as(cloud, named_in_help(capsys))
        assert (len(list(inventory.holdings())), len(list(inventory.key_versions()))) == (1, 4)


@pytest.mark.parametrize(
    "missing", ["record_id", "branch_key_version", "jurisdictions", "purposes", "last_used", "wrapped_key"]
)
def test_each_attribute_that_the_help_names_is_needed(missing: str, capsys: Output) -> None:
    named = named_in_help(capsys)
    named["RecordKeys"].remove(missing)
    with LocalCloud() as cloud, pytest.raises(CannotAsk, match="RecordKeys may not be read with these credentials"):
        list(inventory_as(cloud, named).holdings())


def test_the_scans_select_attributes_so_that_a_policy_can_demand_it() -> None:
    asked: list[str] = []
    with LocalCloud() as cloud:
        dynamodb = cloud.client("dynamodb")
        dynamodb.meta.events.register(
            "provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params["Select"])
        )
        inventory = Inventory(
            dynamodb, record_keys=cloud.outputs["RecordKeysTable"], key_ring=cloud.outputs["KeyRingTable"]
        )
        assert not [*inventory.holdings(), *inventory.key_versions()]
    assert asked == ["SPECIFIC_ATTRIBUTES"] * 2
