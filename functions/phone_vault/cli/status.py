"""`phone-vault status`: what a vault holds, and under which keys, in numbers."""

import argparse

from phone_vault.cli import stack
from phone_vault.cli.console import Terminal
from phone_vault.cli.holdings.as_json import as_json
from phone_vault.cli.holdings.report import Report
from phone_vault.cli.holdings.tables import show
from phone_vault.cli.output import print_json
from phone_vault.cli.policy import file
from phone_vault.cli.problem import ReportedProblem
from phone_vault.cli.words import days

_ABOUT = """\
Counts what a vault holds: tenants, stored numbers and message keys by purpose and state, what falls due when, what is
held, restricted and erased, what nobody uses, how all is wrapped, the key versions with their age, and what the last
census of each tenant has found on them. It acts on the LocalCloud that
is open in the process, else on the stack that --stack-name names. It reads every row of RecordKeys and KeyRing page by
page (half a read unit for each 4 KB), and one row of Operations for each tenant. It shows counts only; what is written
meanwhile may or may not be counted. What has lost its key is erased: such rows are counted apart, as tombstones.
"""
_PERMISSIONS = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  dynamodb:Scan                  on the tables RecordKeys and KeyRing
  dynamodb:BatchGetItem          on the table Operations
  kms:Decrypt                    on the key Storage, through DynamoDB (kms:ViaService)
It needs no other key and no other table, so it cannot decrypt a number. The scans name what they read; a policy can
hold an operator to that with dynamodb:Select = SPECIFIC_ATTRIBUTES and, for all values of dynamodb:Attributes, on
RecordKeys: record_id, branch_key_version, jurisdictions, purposes (the evidence of consents is part of it), last_used,
legal_holds, restriction, ended, erasure, erased_at, wrapped_key (only whether there is one: it is not read); on
KeyRing: tenant_id, key_version, state, created_at, kms_key, changed_at, compromised, off_boarded_at. On Operations,
dynamodb:LeadingKeys = census#* is enough.

exit code: 0; 1 for a problem, rows that do not read among them; 2 for wrong usage
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "status",
        help="what a vault holds, and under which keys, in numbers",
        description=_ABOUT,
        epilog=_PERMISSIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stack.add_options(parser)
    parser.add_argument(
        "--unused-days",
        metavar="N",
        type=days,
        default=180,
        help="tell of numbers and purposes that nobody has used for so many days; default: 180",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the tables")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """A `Problem` too, after the report, when rows do not read as the vault writes them."""
    report = _report(arguments)
    unreadable = report.status.unreadable
    if arguments.json:
        print_json({"ok": not unreadable, **as_json(report)})
    else:
        show(report, Terminal())
    if unreadable:
        rows = ", ".join(f"{table}: {count:,}" for table, count in sorted(unreadable.items()))
        raise ReportedProblem(f"rows do not read as the vault writes them, and are not counted ({rows})")


def _report(arguments: argparse.Namespace) -> Report:
    # Here, not above: boto3 is slow to import, and other commands do without it.
    from phone_vault.adapters.clock import SystemClock
    from phone_vault.adapters.inventory import Inventory
    from phone_vault.adapters.rotation_reading import RotationReading
    from phone_vault.services.status import VaultKeys, take_stock, with_censuses

    vault = stack.vault_of(arguments)
    policy = file.read(vault.policy_file)
    outputs = vault.outputs
    now = SystemClock().now()
    with stack.asking_aws():
        dynamodb = vault.client("dynamodb")
        inventory = Inventory(dynamodb, record_keys=outputs["RecordKeysTable"], key_ring=outputs["KeyRingTable"])
        vault_keys = VaultKeys(kek=outputs["KekId"], storage=outputs["StorageKeyId"])
        status = take_stock(
            inventory.holdings(), inventory.key_versions(), policy, vault_keys, now, arguments.unused_days
        )
        censuses = RotationReading(dynamodb, outputs["OperationsTable"]).censuses(status.tenants)
        status = with_censuses(status, censuses)
    capacity = int(vault.parameters["KeyCacheCapacity"])
    return Report(vault, policy, status, now, capacity, arguments.unused_days)
