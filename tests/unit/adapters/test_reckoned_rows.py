"""What an estimate knows of a row, held to rows as the vault writes them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from phone_vault.adapters.attribute_values import serialized
from phone_vault.adapters.reckoned_rows import ADDED_MOMENT_BYTES, ADDED_POSITION_BYTES, reckoned_row_of
from phone_vault.adapters.rows import record_row
from phone_vault.cli.estimating.subject import SHARDS_AT_ONCE
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.stored_number import Grant, IndexPosition, StoredNumber, new_token
from phone_vault.local.capacity import item_size

START = datetime(2026, 1, 1, tzinfo=UTC)
POSITION = IndexPosition(b"b" * 32, b"c" * 32, "9.0.43")
RECORD = StoredNumber(
    tenant_id="acme",
    token=new_token(),
    subject_id="anna",
    subject_ref="r" * 43,
    created_at=START,
    revision=1,
    wrapped_key=b"w" * 300,
    branch_key_version=1,
    jurisdictions=(Jurisdiction.GDPR,),
    grants={"delivery": Grant(START, RetentionRule(30, RetentionStart.CREATED))},
    last_used={},
    index_positions={1: POSITION},
)
MACHINE = Path(__file__).parents[3] / "infrastructure/state_machines/rotation.asl.yaml"


def size_of(record: StoredNumber) -> int:
    return item_size(serialized(record_row(record, "2026-02-01#0")))


def test_a_position_adds_as_much_as_is_reckoned() -> None:
    assert (
        size_of(replace(RECORD, index_positions={1: POSITION, 2: POSITION})) - size_of(RECORD) == ADDED_POSITION_BYTES
    )


def test_a_new_record_keys_moment_adds_as_much_as_is_reckoned() -> None:
    assert size_of(replace(RECORD, key_made_at=START)) - size_of(RECORD) == ADDED_MOMENT_BYTES


def test_what_is_known_of_a_row_is_what_its_attributes_take() -> None:
    row = record_row(RECORD, "2026-02-01#0")
    asked_for = ("record_id", "branch_key_version", "index_positions")
    seen = reckoned_row_of({name: row[name] for name in asked_for})
    assert seen.known_bytes == item_size(serialized({name: row[name] for name in asked_for}))


def test_the_machine_works_on_as_many_shards_at_once_as_is_reckoned() -> None:
    states = yaml.safe_load(MACHINE.read_text(encoding="utf-8"))["States"].values()
    assert {state["MaxConcurrency"] for state in states if state["Type"] == "Map"} == {SHARDS_AT_ONCE}
