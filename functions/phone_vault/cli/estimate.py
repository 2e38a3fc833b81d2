"""`phone-vault estimate`: what a job would take, before it runs."""

import argparse
from typing import TYPE_CHECKING

from phone_vault.cli import rotate, stack
from phone_vault.cli.console import Console, Silence, Terminal
from phone_vault.cli.output import print_json
from phone_vault.cli.policy.words import counted
from phone_vault.cli.problem import WrongUsage

if TYPE_CHECKING:
    from phone_vault.services.estimate.prices import Prices

_ABOUT = """\
Predicts what a Rotation would take: records to change, requests, capacity units, KMS calls, invocations, transitions,
minutes and US dollars. It changes nothing. It counts what is stale by one pass over RecordKeys, KeyRing and LookupIndex
at half a read unit for each 4 KB, in the pages in which the workers will read them, and takes how they divide their
work from the workers themselves. With --records it tells of a vault of that size, all of it stale, and reads nothing
but the tables' sizes.

Applications that write meanwhile, retries, and alarms are not in it; nor are storage, backups and log lines.
"""
_PERMISSIONS = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  dynamodb:DescribeTable         on the tables RecordKeys, KeyRing, LookupIndex and Numbers
  dynamodb:Scan                  on the tables RecordKeys, KeyRing and LookupIndex
  kms:Decrypt                    on the key Storage, through DynamoDB (kms:ViaService)
A policy can hold an operator to dynamodb:Select = SPECIFIC_ATTRIBUTES on RecordKeys and KeyRing and COUNT on
LookupIndex, and to these dynamodb:Attributes on RecordKeys: record_id, branch_key_version, kms_key, index_positions
(the release alone is asked for), wrapped_key (only whether there is one: it is not read); on KeyRing as for
`phone-vault status`.
"""
_ABOUT_PURGE = """\
Predicts what a purge would take that is run now: records due, requests, capacity units, KMS calls, invocations,
minutes and US dollars. It changes nothing. It counts by one pass over RecordKeys and KeyRing, at half a read unit for
each 4 KB; what is due stands in the index of days that the purge reads, so a policy that was shortened since shows here
as it does there. With --planned it is `purge plan` and `purge run --plan`.

Applications that write meanwhile, retries and rows that a stopped purge has left are not in it.
"""
_PERMISSIONS_PURGE = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  dynamodb:DescribeTable         on the tables RecordKeys, KeyRing, LookupIndex and Numbers
  dynamodb:Scan                  on the tables RecordKeys and KeyRing
  dynamodb:BatchGetItem          on the table Operations (dynamodb:LeadingKeys = purge#low-water, census#*)
  kms:Decrypt                    on the key Storage, through DynamoDB (kms:ViaService)
A policy can hold an operator to dynamodb:Select = SPECIFIC_ATTRIBUTES and to these dynamodb:Attributes on RecordKeys:
those of `phone-vault status` without erased_at, and due, index_positions.
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command, in a group of its own."""
    group = commands.add_parser("estimate", help="what a rotation or a purge would take, before it runs")
    jobs = group.add_subparsers(title="jobs", metavar="JOB", required=True)
    _add_purge_to(jobs)
    parser = jobs.add_parser(
        "rotation",
        help="requests, capacity, KMS calls, time and cost of a rotation",
        description=_ABOUT,
        epilog=_PERMISSIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stack.add_options(parser)
    rotate.add_order_to(parser)
    supposed = parser.add_argument_group("a vault that is not there")
    supposed.add_argument("--records", type=_from_one, metavar="N", help="so many stored numbers, all of them stale")
    supposed.add_argument("--tenants", type=_from_one, metavar="N", help="of so many tenants; 1 unless set")
    supposed.add_argument("--shards", type=_from_one, metavar="N", help="in so many shards; the stack's unless set")
    _add_telling_to(parser)
    parser.set_defaults(run=run)


def _add_purge_to(jobs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = jobs.add_parser(
        "purge",
        help="requests, capacity, time and cost of a purge",
        description=_ABOUT_PURGE,
        epilog=_PERMISSIONS_PURGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stack.add_options(parser)
    parser.add_argument(
        "--planned", action="store_true", help="one that a person plans first, which no circuit breaker looks at"
    )
    parser.add_argument("--tenant", metavar="ID", help="of this tenant only, which takes a plan: with --planned")
    _add_telling_to(parser)
    parser.set_defaults(run=run_purge)


def _add_telling_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--price",
        action="append",
        type=_price,
        default=[],
        metavar="NAME=USD",
        help="another price, such as million_write_units=0.625 (--json names them all); may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the tables")


def run(arguments: argparse.Namespace) -> None:
    """Told, or a `Problem` when the vault cannot be read."""
    from phone_vault.cli.estimating.subject import Subject, Supposition, wanted_by
    from phone_vault.cli.estimating.telling import Told, as_json, show
    from phone_vault.domain.rotation import wait_of
    from phone_vault.services.estimate.duration import Latencies, duration_of

    if arguments.records is None and (arguments.tenants or arguments.shards):
        raise WrongUsage("--tenants and --shards are those of a vault that is not there: name its --records too")
    if arguments.records is not None and arguments.tenant:
        raise WrongUsage("--records is about a whole vault that is not there: it has no --tenant")
    prices = _prices(arguments)
    vault = stack.vault_of(arguments)
    console: Console = Silence() if arguments.json else Terminal()
    wanted = wanted_by(rotate.order_in(arguments))
    with stack.asking_aws():
        subject = Subject(vault, console)
        if arguments.records is None:
            about, reckoned = f"Vault {vault.stack_name} on {vault.place}", subject.as_it_stands(wanted)
        else:
            supposition = Supposition(arguments.records, arguments.tenants or 1, arguments.shards)
            about = f"A vault that is not there, of {counted(supposition.tenants, 'tenant')}"
            reckoned = subject.supposed(supposition, wanted)
    machinery = subject.machinery(arguments.shards)
    waits = wait_of(subject.policy).total_seconds()
    duration = duration_of(reckoned, waits, machinery.shards_at_once, Latencies())
    told = Told(about, reckoned, duration, prices, subject.memory_gigabytes)
    if arguments.json:
        print_json(as_json(told))
    else:
        show(told, console)


def run_purge(arguments: argparse.Namespace) -> None:
    """Told, or a `Problem` when the vault cannot be read."""
    from phone_vault.cli.estimating import purge
    from phone_vault.services.estimate.purge import PurgeWanted

    if arguments.tenant is not None and not arguments.planned:
        raise WrongUsage("a purge of one tenant takes a plan: --tenant goes with --planned")
    prices = _prices(arguments)
    vault = stack.vault_of(arguments)
    about = f"Vault {vault.stack_name} on {vault.place}"
    with stack.asking_aws():
        found = purge.reckoned(vault, PurgeWanted(arguments.planned, arguments.tenant))
    memory = int(vault.parameters["MemorySize"]) / 1024
    if arguments.json:
        print_json(purge.as_json(found, about, prices, memory))
    else:
        purge.show(found, about, prices, memory, Terminal())


def _prices(arguments: argparse.Namespace) -> "Prices":
    from phone_vault.services.estimate.prices import Prices

    try:
        return Prices().with_others(dict(arguments.price))
    except ValueError as error:
        raise WrongUsage(str(error)) from None


def _from_one(text: str) -> int:
    digits = text.replace(",", "").replace("_", "")
    if not digits.isdecimal() or int(digits) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(digits)


def _price(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError("must be NAME=DOLLARS") from None
