"""`phone-vault purge`: what is past its retention, planned for a person to look at, and destroyed."""

import argparse
import re
from pathlib import Path
from typing import Any

from phone_vault.cli import stack
from phone_vault.cli.console import Console, Silence, Terminal
from phone_vault.cli.executing import receipt_file
from phone_vault.cli.executing.answers import answer_of
from phone_vault.cli.executing.confirmation import confirm, require_somebody
from phone_vault.cli.executing.receipt_file import ReceiptFile
from phone_vault.cli.output import print_json
from phone_vault.cli.policy.words import counted
from phone_vault.cli.problem import ReportedProblem
from phone_vault.cli.purging import outcome, planning
from phone_vault.cli.purging.run import Purge, Purged
from phone_vault.cli.stack import Vault
from phone_vault.cli.words import days

_FUNCTION = "PlanPurge"
_PLAN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")

_ABOUT_PLAN = """\
Looks up what a purge would destroy now, by tenant and purpose, and what is past its end and kept, because it is under a
legal hold or restricted. It destroys nothing. The plan is kept for 30 days, and `phone-vault purge run --plan ID`
carries out just what it lists, whatever the circuit breaker says. With --unused-days it lists what nobody has used for
so many days, due or not.
"""
_PERMISSIONS_PLAN = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  lambda:InvokeFunction          on the function PlanPurge

exit code: 0; 1 for a problem; 2 for wrong usage
"""
_ABOUT_RUN = """\
Starts the state machine Purge and follows it to its end: the keys of stored numbers and of messages that are past their
retention are destroyed. With --plan it is what that plan lists and is still due; without, all that is due, but no more
of a tenant than the policy's circuit_breaker lets go without a person. It ends with a receipt, signed by the vault,
which is written to a file.

Ctrl-C stops it. What was destroyed stays destroyed, the same command goes on from where it was, and the receipt names
both. If the same is running already, it is followed, and Ctrl-C leaves that one alone.
"""
_PERMISSIONS_RUN = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  states:ListExecutions, states:StartExecution  on the state machine Purge
  states:DescribeExecution, states:StopExecution  on its executions
  dynamodb:BatchGetItem          on the table Operations (dynamodb:LeadingKeys = purge#*, receipt#purge#*)
  kms:Decrypt                    on the key Storage, through DynamoDB (kms:ViaService)
  lambda:InvokeFunction          on the function PlanPurge, for --plan without --yes only
It needs no key of a tenant, and it sees no record.

exit code: 0; 1 for a problem, records that could not be purged and tenants that were left out among them; 2 for wrong
usage
"""
_DUE = (
    "Destroys for good the keys of all stored numbers and messages that are past their retention, within the circuit "
    "breaker. `phone-vault purge plan` shows first what that is."
)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the group."""
    group = commands.add_parser("purge", help="plan what is past its retention, and destroy it")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_plan_to(actions)
    _add_run_to(actions)


def _add_plan_to(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "plan",
        help="what would be destroyed now; destroys nothing",
        description=_ABOUT_PLAN,
        epilog=_PERMISSIONS_PLAN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stack.add_options(parser)
    parser.add_argument("--tenant", metavar="ID", help="of this tenant only")
    parser.add_argument(
        "--unused-days",
        metavar="N",
        type=days,
        help="what nobody has used for so many days, whatever for, and nobody has stored again meanwhile",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the tables")
    parser.set_defaults(run=_plan)


def _add_run_to(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "run",
        help="destroy the keys of what is past its retention",
        description=_ABOUT_RUN,
        epilog=_PERMISSIONS_RUN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    stack.add_options(parser)
    parser.add_argument("--plan", metavar="ID", type=_plan_id, help="what this plan lists; without it, all that is due")
    parser.add_argument(
        "--receipt", metavar="FILE", type=Path, help="a new file; default: purge-ID.receipt.json, by the receipt's id"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before destroying")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of progress and tables")
    parser.set_defaults(run=_run)


def _plan_id(text: str) -> str:
    if not _PLAN_ID.fullmatch(text):
        raise argparse.ArgumentTypeError("no plan's id: one looks like 20260402T000000Z-15ab7f57")
    return text


def _plan(arguments: argparse.Namespace) -> None:
    console: Console = Silence() if arguments.json else Terminal()
    asked = {"tenant_id": arguments.tenant, "unused_days": arguments.unused_days}
    request = {name: value for name, value in asked.items() if value is not None}
    vault = stack.vault_of(arguments)
    with stack.asking_aws():
        answer = planning.planned(lambda each: answer_of(vault, _FUNCTION, each), request, console)
    if arguments.json:
        print_json({"ok": True, **answer})
    else:
        console.say(f"Vault {vault.stack_name} on {vault.place}")
        planning.show(answer, console)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.yes:
        require_somebody()
    file = ReceiptFile(arguments.receipt)
    console: Console = Silence() if arguments.json else Terminal()
    vault = stack.vault_of(arguments)

    def agree() -> None:
        if not arguments.yes:
            confirm([_what_goes(vault, arguments.plan)])

    with stack.asking_aws():
        done = Purge.of(vault, console).carried_out(arguments.plan, agree)
    path = file.write(done.receipt)
    problems = outcome.failures(done.output)
    if arguments.json:
        print_json(_as_json(done, path, problems))
    else:
        outcome.show(done.output, console)
        receipt_file.tell(path, console)
    if problems:
        raise ReportedProblem("; ".join(problems))


def _what_goes(vault: Vault, plan_id: str | None) -> str:
    if plan_id is None:
        return _DUE
    plan = answer_of(vault, _FUNCTION, {"plan_id": plan_id})
    numbers, keys = counted(plan["due"], "stored number"), counted(plan["message_keys"], "message key")
    tenants = counted(len(plan["by_tenant"]), "tenant")
    return f"Destroys for good the keys of {numbers} of {tenants}, and {keys}, as far as they are due still."


def _as_json(done: Purged, path: Path, problems: list[str]) -> dict[str, Any]:
    return {
        "ok": not problems,
        **({"problem": "; ".join(problems)} if problems else {}),
        "execution": done.execution_arn,
        "how": done.how,
        "output": {name: value for name, value in done.output.items() if name != "receipt"},
        "receipt_id": done.receipt["id"],
        "receipt_file": str(path),
    }
