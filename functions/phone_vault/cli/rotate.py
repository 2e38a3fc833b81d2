"""`phone-vault rotate`: new keys where they are due or wanted, and every record moved to them."""

import argparse
from typing import Any

from phone_vault.cli import stack
from phone_vault.cli.console import Console, Silence, Terminal
from phone_vault.cli.executing.confirmation import confirm
from phone_vault.cli.output import print_json
from phone_vault.cli.problem import ReportedProblem, WrongUsage
from phone_vault.cli.rotating import outcome
from phone_vault.cli.rotating.order import NewKeys, Order, Use
from phone_vault.cli.rotating.rotation import Rotated, Rotation

_ABOUT = """\
Starts the state machine Rotation and follows it to its end: new key versions, every record moved to them, a census
that proves that nothing is left on the old ones, and those retired. Without options it rotates what is due by the
vault policy. Applications are served all the time. A Rotation takes at least the time that functions may work with
older keys: the policy's branch_key_cache_seconds and a minute, up to three times.

Ctrl-C stops it. Nothing is lost then, and the same command goes on from where it was. If one is running already, it is
followed, and Ctrl-C leaves that one alone.
"""
_PERMISSIONS = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  states:ListExecutions, states:StartExecution  on the state machine Rotation
  states:DescribeExecution, states:StopExecution  on its executions
  dynamodb:BatchGetItem          on the table Operations (dynamodb:LeadingKeys = rotation#latest, run#*)
  dynamodb:DescribeTable         on the table RecordKeys
  dynamodb:Scan                  on the table KeyRing, as for `phone-vault status`
  lambda:InvokeFunction          on the function RotateKeys, for --use kms only
  kms:Decrypt                    on the key Storage, through DynamoDB (kms:ViaService)
It needs no key of a tenant, and it sees no record.

exit code: 0; 1 for a problem, a Rotation that failed or records that could not be moved on among them; 2 for wrong
usage
"""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "rotate",
        help="rotate keys, and move every record to the new ones",
        description=_ABOUT,
        epilog=_PERMISSIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stack.add_options(parser)
    add_order_to(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask before what cannot be taken back")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of progress and tables")
    parser.set_defaults(run=run)


def add_order_to(parser: argparse.ArgumentParser) -> None:
    """The options that say what to rotate; `estimate rotation` has them too."""
    group = parser.add_argument_group("what to rotate", "without these: what is due by the vault policy")
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--use",
        choices=[str(use) for use in Use],
        help="new keys of this use now, due or not; kms: new material of the KMS keys (25 times in the life of a key)",
    )
    which.add_argument(
        "--no-new-keys",
        action="store_true",
        help="make none; move what is on old versions, count, and retire what nothing is on",
    )
    group.add_argument("--tenant", metavar="ID", help="of this tenant only")
    group.add_argument(
        "--compromise",
        action="store_true",
        help="others may know a key: new versions at once, due or not, and records are moved before the wait too",
    )
    group.add_argument(
        "--re-encrypt",
        action="store_true",
        help="new record keys and messages as well: whoever knew a branch key may know the old record keys",
    )


def order_in(arguments: argparse.Namespace) -> Order:
    """As the command line has it; `WrongUsage` for what would do less than it says."""
    if arguments.compromise and arguments.no_new_keys:
        raise WrongUsage("after a compromise new keys are needed: --compromise does not go with --no-new-keys")
    if arguments.compromise and arguments.use == Use.KMS:
        raise WrongUsage(
            "new material of a KMS key cures no compromise, because KMS keeps the old: deploy another KMS key, or name "
            "the use that may be known (branch, index)"
        )
    new_keys = NewKeys.NOW if arguments.use or arguments.compromise else NewKeys.DUE
    return Order(
        new_keys=NewKeys.NONE if arguments.no_new_keys else new_keys,
        use=Use(arguments.use) if arguments.use else None,
        tenant_id=arguments.tenant,
        is_compromised=arguments.compromise,
        re_encrypts=arguments.re_encrypt,
    )


def run(arguments: argparse.Namespace) -> None:
    """A `Problem` when it fails, or when not all could be moved on."""
    order = order_in(arguments)
    if order.warnings and not arguments.yes:
        confirm(order.warnings)
    vault = stack.vault_of(arguments)
    console: Console = Silence() if arguments.json else Terminal()
    with stack.asking_aws():
        rotation = Rotation.of(vault, console)
        done = rotation.carried_out(order)
        problems = outcome.failures(done.output, done.not_rotated) + done.left_undone
        if arguments.json:
            print_json(_as_json(done, problems))
        else:
            outcome.show(done.output, rotation.key_states(), console)
    if problems:
        raise ReportedProblem("; ".join(problems))


def _as_json(done: Rotated, problems: list[str]) -> dict[str, Any]:
    return {
        "ok": not problems,
        **({"problem": "; ".join(problems)} if problems else {}),
        "execution": done.execution_arn,
        "how": done.how,
        **({"rotated": list(done.rotated)} if done.rotated else {}),
        "output": dict(done.output),
    }
