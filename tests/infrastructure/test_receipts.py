"""What receipts say of backups is what the templates make of them."""

from datetime import timedelta

from phone_vault.services.offboard import KEY_RING_RECOVERY
from tests.infrastructure.templates import source


def test_a_receipt_waits_for_the_backup_window_of_the_key_ring() -> None:
    table = source("data")["Resources"]["KeyRingTable"]["Properties"]
    days = table["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"]
    assert timedelta(days=days) == KEY_RING_RECOVERY
