"""The permissions that the help of commands names suffice, and no more is asked for."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from phone_vault.adapters.inventory import Inventory
from phone_vault.adapters.operator_access import CannotAsk
from phone_vault.adapters.purge_reading import PurgeReading
from phone_vault.adapters.reckoned_rows import ReckonedRows
from phone_vault.adapters.rotation_reading import RotationReading
from phone_vault.cli import main
from phone_vault.domain.inventory import Gone, Holding
from phone_vault.domain.purge_run import UNATTENDED
from phone_vault.local import LocalCloud
from tests.contract.vaults import opened
from tests.embedded.probes import allow, client_as, deploy

Output = pytest.CaptureFixture[str]
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/phone-vault-{}"


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with opened({"acme": 3}) as cloud:
        yield cloud


def permitted(cloud: LocalCloud, *statements: Any) -> Any:
    """DynamoDB for a role that may do this alone."""
    deploy(cloud, *statements)
    return client_as(cloud, "Probe", "dynamodb")


def help_of(capsys: Output, *command: str) -> str:
    capsys.readouterr()
    assert main([*command, "--help"]) == 0
    return capsys.readouterr().out


def reading(name: str, select: str, *attributes: str) -> Any:
    only = {"ForAllValues__StringEquals": {"dynamodb:Attributes": list(attributes)}} if attributes else {}
    return allow("dynamodb:Scan", TABLE.format(name), StringEquals={"dynamodb:Select": select}, **only)


def reckoned(dynamodb: Any, cloud: LocalCloud) -> tuple[int, int]:
    outputs = cloud.outputs
    tables = {"record_keys": outputs["RecordKeysTable"], "lookup_index": outputs["LookupIndexTable"]}
    rows = ReckonedRows(dynamodb, **tables, shards=2)
    return sum(len(page.rows) for shard in rows.shards([1]) for page in shard), sum(rows.entries())


def of_record_keys(capsys: Output) -> list[str]:
    told = re.search(r"dynamodb:Attributes on RecordKeys:(.*?);", help_of(capsys, "estimate", "rotation"), re.DOTALL)
    assert told is not None
    return re.findall(r"\w+", re.sub(r"\(.*?\)", "", told[1], flags=re.DOTALL))


def test_an_estimate_needs_no_more_than_its_help_names(cloud: LocalCloud, capsys: Output) -> None:
    named = of_record_keys(capsys)
    statements = reading("RecordKeys", "SPECIFIC_ATTRIBUTES", *named), reading("LookupIndex", "COUNT")
    assert reckoned(permitted(cloud, *statements), cloud) == (3, 3)


@pytest.mark.parametrize("missing", ["record_id", "branch_key_version", "kms_key", "index_positions", "wrapped_key"])
def test_an_estimate_needs_each_attribute_that_its_help_names(cloud: LocalCloud, capsys: Output, missing: str) -> None:
    named = of_record_keys(capsys)
    named.remove(missing)
    statements = reading("RecordKeys", "SPECIFIC_ATTRIBUTES", *named), reading("LookupIndex", "COUNT")
    with pytest.raises(CannotAsk, match="RecordKeys may not be read with these credentials"):
        reckoned(permitted(cloud, *statements), cloud)


def test_rotate_reads_no_row_of_operations_but_those_that_its_help_names(cloud: LocalCloud, capsys: Output) -> None:
    cloud.execute("Rotation", {"rotate": "none"})
    assert "dynamodb:LeadingKeys = rotation#latest, run#*" in help_of(capsys, "rotate")
    keys = {"dynamodb:LeadingKeys": ["rotation#latest", "run#*"]}
    operations = allow("dynamodb:BatchGetItem", TABLE.format("Operations"), ForAllValues__StringLike=keys)
    dynamodb = permitted(cloud, operations)
    found = RotationReading(dynamodb, cloud.outputs["OperationsTable"])
    run = found.latest()
    assert run is not None
    assert len(found.progress(run)) == 2 * run.shards
    with pytest.raises(CannotAsk):
        found.censuses(["acme"])


def test_status_reads_censuses_alone(cloud: LocalCloud, capsys: Output) -> None:
    cloud.execute("Rotation", {"rotate": "none"})
    assert "dynamodb:LeadingKeys = census#*" in help_of(capsys, "status")
    keys = {"dynamodb:LeadingKeys": ["census#*"]}
    operations = allow("dynamodb:BatchGetItem", TABLE.format("Operations"), ForAllValues__StringLike=keys)
    found = RotationReading(permitted(cloud, operations), cloud.outputs["OperationsTable"])
    assert set(found.censuses(["acme", "nobody"])) == {"acme"}
    with pytest.raises(CannotAsk):
        found.latest()


def of_status(capsys: Output) -> list[str]:
    told = re.search(r"\nRecordKeys: (.*?);", help_of(capsys, "status"), re.DOTALL)
    assert told is not None
    return re.findall(r"\w+", re.sub(r"\(.*?\)", "", told[1], flags=re.DOTALL))


def holdings(dynamodb: Any, cloud: LocalCloud) -> list[Any]:
    outputs = cloud.outputs
    inventory = Inventory(dynamodb, record_keys=outputs["RecordKeysTable"], key_ring=outputs["KeyRingTable"])
    return list(inventory.holdings())


def test_records_are_counted_by_what_the_help_of_status_names(cloud: LocalCloud, capsys: Output) -> None:
    cloud.invoke("Erase", {"tenant_id": "acme", "subject_id": "subject-00000", "reason": "asked for it"})
    named = of_status(capsys)
    found = holdings(permitted(cloud, reading("RecordKeys", "SPECIFIC_ATTRIBUTES", *named)), cloud)
    assert Counter(type(each) for each in found) == {Holding: 2, Gone: 1}


@pytest.mark.parametrize("missing", ["legal_holds", "restriction", "ended", "erasure", "erased_at", "last_used"])
def test_status_needs_each_attribute_that_its_help_names(cloud: LocalCloud, capsys: Output, missing: str) -> None:
    named = of_status(capsys)
    named.remove(missing)
    with pytest.raises(CannotAsk, match="RecordKeys may not be read with these credentials"):
        holdings(permitted(cloud, reading("RecordKeys", "SPECIFIC_ATTRIBUTES", *named)), cloud)


def test_purge_reads_no_row_of_operations_but_those_that_its_help_names(cloud: LocalCloud, capsys: Output) -> None:
    cloud.clock.advance(days=3651)
    cloud.execute("Purge", {"plan_id": cloud.invoke("PlanPurge", {})["plan_id"]})
    cloud.execute("Purge", {})
    assert "dynamodb:LeadingKeys = purge#*, receipt#purge#*" in help_of(capsys, "purge", "run")
    keys = {"dynamodb:LeadingKeys": ["purge#*", "receipt#purge#*"]}
    operations = allow("dynamodb:BatchGetItem", TABLE.format("Operations"), ForAllValues__StringLike=keys)
    dynamodb = permitted(cloud, operations)
    found = PurgeReading(dynamodb, cloud.outputs["OperationsTable"])
    run = found.run(UNATTENDED)
    assert run is not None
    assert found.pages(run.run_id, range(run.pages)) == []
    with pytest.raises(CannotAsk):
        RotationReading(dynamodb, cloud.outputs["OperationsTable"]).latest()


def test_keys_are_listed_by_what_the_help_of_status_names(cloud: LocalCloud, capsys: Output) -> None:
    told = re.search(r"on\s+KeyRing: (.*?)\.", help_of(capsys, "status"), re.DOTALL)
    assert told is not None
    dynamodb = permitted(cloud, reading("KeyRing", "SPECIFIC_ATTRIBUTES", *re.findall(r"\w+", told[1])))
    inventory = Inventory(
        dynamodb, record_keys=cloud.outputs["RecordKeysTable"], key_ring=cloud.outputs["KeyRingTable"]
    )
    assert len(list(inventory.key_versions())) == 4
