"""`phone-vault erase`: the keys of a data subject, or of one number, destroyed for good, with a receipt."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phone_vault.cli import stack
from phone_vault.cli.console import Console, Terminal
from phone_vault.cli.executing import receipt_file
from phone_vault.cli.executing.answers import answer_of
from phone_vault.cli.executing.confirmation import confirm, require_somebody
from phone_vault.cli.executing.receipt_file import ReceiptFile
from phone_vault.cli.output import print_json
from phone_vault.cli.policy.words import counted
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem
from phone_vault.cli.rights import whom

_FUNCTION = "Erase"
_REASONS = {"under-legal-hold": "under a legal hold"}

_ABOUT = """\
Destroys for good the keys of all that is stored of a data subject, numbers and messages, or of one stored number. Its
purposes and their retention do not matter; a legal hold does: what is held is not destroyed now. Nobody can use it any
more, but for the hold's case, and it is destroyed when its last hold is released. A receipt, signed by the vault, is
written to a file. Interrupted or failed, the same command finishes it.
"""
_PERMISSIONS = """\
permissions that an operator needs:
  cloudformation:DescribeStacks  on the stack
  lambda:InvokeFunction          on the function Erase, or on its alias
Whether that may erase is the vault policy's to say (principals).

exit code: 0, also when something is held; 1 for a problem; 2 for wrong usage
"""
_SUBJECT_GOES = (
    "Destroys for good the keys of all that is stored of this data subject in this tenant, numbers and messages, but "
    "for what is under a legal hold. Nobody will be able to read it again."
)
_NUMBER_GOES = (
    "Destroys for good the key of this stored number, unless it is under a legal hold. Nobody will be able to read it "
    "again."
)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "erase",
        help="destroy for good what is stored of a data subject, or one number",
        description=_ABOUT,
        epilog=_PERMISSIONS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whom.add_options(parser)
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; it stands in the receipt")
    parser.add_argument(
        "--receipt", metavar="FILE", type=Path, help="a new file; default: erasure-ID.receipt.json, by the receipt's id"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before destroying")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """A `Problem` when the vault refuses, or does not answer."""
    if not arguments.yes:
        require_somebody()
    file = ReceiptFile(arguments.receipt)
    vault = stack.vault_of(arguments)
    if not arguments.yes:
        confirm([_NUMBER_GOES if arguments.subject is None else _SUBJECT_GOES])
    request = {**whom.named_in(arguments), "reason": arguments.reason}
    try:
        with stack.asking_aws():
            answer = answer_of(vault, _FUNCTION, request, arguments.alias)
    except KeyboardInterrupt:
        raise Problem("interrupted: the erasure may go on. The same command finishes it.") from None
    path = file.write(answer["receipt"])
    if arguments.json:
        told = {name: answer[name] for name in ("erased", "message_keys", "blocked")}
        print_json({"ok": True, **told, "receipt_id": answer["receipt"]["id"], "receipt_file": str(path)})
    else:
        console = Terminal()
        _show(answer, console)
        receipt_file.tell(path, console)


def _show(answer: Mapping[str, Any], console: Console) -> None:
    numbers, keys = counted(answer["erased"], "stored number"), counted(answer["message_keys"], "message key")
    console.say(f"erased: the keys of {numbers} and {keys}")
    if blocked := answer["blocked"]:
        console.say(f"NOT ERASED YET: {counted(len(blocked), 'record')}")
        for each in blocked:
            console.say(f"  {_record(each)}: {_REASONS.get(each['reason'], each['reason'])}")
        console.say("They can be used for the hold's case alone, and are destroyed when their")
        console.say("last hold is released (phone-vault hold release).")
    if answer["erased"] or answer["message_keys"]:
        console.say(f"final on {answer['receipt']['final_at']}; until then a backup could bring keys back")


def _record(blocked: Mapping[str, str | None]) -> str:
    token = blocked.get("token")
    return printable(token) if token else f"the message key for {printable(str(blocked.get('purpose')))}"
