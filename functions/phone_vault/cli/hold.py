"""`phone-vault hold`: numbers kept for a legal case, and let go again."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phone_vault.cli import stack
from phone_vault.cli.console import Console, Terminal
from phone_vault.cli.executing import receipt_file
from phone_vault.cli.executing.answers import answer_of
from phone_vault.cli.executing.receipt_file import ReceiptFile
from phone_vault.cli.output import print_json
from phone_vault.cli.policy.words import counted
from phone_vault.cli.problem import Problem
from phone_vault.cli.rights import whom
from phone_vault.domain.right_requests import HoldAction

_FUNCTION = "Hold"

_ABOUT = {
    HoldAction.PLACE: """\
Keeps numbers for a legal case, whatever their retention, consents and erasures say: neither a purge nor an erasure
destroys them. A hold on a data subject keeps all that is stored of it, and what will be stored. Placed again for the
same case it changes nothing.
""",
    HoldAction.RELEASE: """\
Ends a hold where it was placed: on the data subject, or on the number. What was to be erased meanwhile is destroyed
when its last hold goes, in the same call; its receipts are written to files.
""",
}
_PERMISSIONS = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  lambda:InvokeFunction          on the function Hold, or on its alias
Whether that may hold is the vault policy's to say (principals).

exit code: 0; 1 for a problem; 2 for wrong usage
"""
_HELP = {HoldAction.PLACE: "keep numbers for a case", HoldAction.RELEASE: "let them go again"}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the group."""
    group = commands.add_parser("hold", help="place and release legal holds")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for action in HoldAction:
        parser = actions.add_parser(
            action,
            help=_HELP[action],
            description=_ABOUT[action],
            epilog=_PERMISSIONS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        whom.add_options(parser)
        parser.add_argument("--case", metavar="ID", required=True, help="the case; it stands for the hold")
        is_placed = action is HoldAction.PLACE
        parser.add_argument("--reason", metavar="TEXT", required=is_placed, help="why; it stands in the audit trail")
        if not is_placed:
            parser.add_argument(
                "--receipts",
                metavar="DIRECTORY",
                type=Path,
                default=Path(),
                help="where receipts are written, should erasures be carried out; default: the current directory",
            )
        parser.add_argument("--json", action="store_true", help="one JSON object in place of the text")
        parser.set_defaults(run=run, action=action)


def run(arguments: argparse.Namespace) -> None:
    """A `Problem` when the vault refuses, or does not answer."""
    action: HoldAction = arguments.action
    file = ReceiptFile(None, arguments.receipts) if action is HoldAction.RELEASE else None
    vault = stack.vault_of(arguments)
    request = {**whom.named_in(arguments), "action": str(action), "case_id": arguments.case}
    if arguments.reason is not None:
        request["reason"] = arguments.reason
    try:
        with stack.asking_aws():
            answer = answer_of(vault, _FUNCTION, request, arguments.alias)
    except KeyboardInterrupt:
        raise Problem("interrupted: it may go on. The same command finishes it.") from None
    paths = [file.write(each) for each in answer.get("receipts", ())] if file else []
    if arguments.json:
        print_json({"ok": True, "updated": answer["updated"], "receipt_files": list(map(str, paths))})
        return
    console = Terminal()
    _show(action, answer, console)
    for path in paths:
        receipt_file.tell(path, console)


def _show(action: HoldAction, answer: Mapping[str, Any], console: Console) -> None:
    updated = answer["updated"]
    what = "held" if action is HoldAction.PLACE else "released"
    console.say(f"{what}: {counted(len(updated), 'stored number')}{' (nothing has changed)' if not updated else ''}")
    for token in updated:
        console.say(f"  {token}")
    counts = [each["counts"] for each in answer.get("receipts", ())]
    if counts:
        numbers = sum(each["stored_numbers"] for each in counts)
        keys = sum(each["message_keys"] for each in counts)
        told = f"{counted(numbers, 'stored number')} and {counted(keys, 'message key')}"
        console.say(f"erased at last: the keys of {told}")
