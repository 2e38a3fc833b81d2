"""The tables of `phone-vault status`, of rows that somebody else may have written."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from phone_vault.cli.console import Terminal
from phone_vault.cli.holdings.report import Report
from phone_vault.cli.holdings.tables import show
from phone_vault.cli.stack import Vault
from phone_vault.domain.inventory import Holding, Kind
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import RetentionRule, RetentionStart
from phone_vault.domain.policy_file import parse
from phone_vault.domain.stored_number import Grant
from phone_vault.services.status import VaultKeys, take_stock
from tests.unit.samples import POLICY

START = datetime(2026, 1, 1, tzinfo=UTC)
STEERING = "\x1b[2J"


def nothing(_service: str) -> Sequence[object]:
    """No client: everything is counted already."""
    return ()


def test_names_of_tenants_purposes_and_files_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    policy = parse(POLICY)
    grants = {STEERING: Grant(START, RetentionRule(30, RetentionStart.CREATED))}
    held = Holding(STEERING, Kind.STORED_NUMBER, 1, (Jurisdiction.GDPR,), grants, {})
    status = take_stock([held], [], policy, VaultKeys(kek="kek", storage="storage"), START)
    vault = Vault("vault", "here", f"{STEERING}.toml", "shipped", nothing, {}, {})
    show(Report(vault, policy, status, START, 100), Terminal())
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.count(r"\x1b[2J") >= 3
