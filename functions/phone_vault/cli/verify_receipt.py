"""`phone-vault verify receipt`: whether a receipt is the vault's, and what it says, from its file and a public key."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phone_vault.adapters.clock import SystemClock
from phone_vault.cli.console import Terminal
from phone_vault.cli.output import print_json
from phone_vault.cli.policy.words import counted, listed
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem, ReportedProblem, WrongUsage
from phone_vault.crypto.receipts import ReceiptRefused, UnusableKey, checked
from phone_vault.domain import moments
from phone_vault.domain.receipts import ReceiptKind, names_token

STANDARD_INPUT = "-"

_ABOUT = (
    "Checks a receipt of a purge, an erasure or an off-boarding: that what it signs is unchanged, and that the vault's "
    "Receipt key has signed it. Then it says in words what was destroyed, when that is final, and what the receipt "
    "does not speak for. It needs the two files alone and asks no AWS. The public key is fetched once with `aws kms "
    "get-public-key --key-id alias/STACK-receipt --query PublicKey --output text | base64 -d > receipt-key.der`."
)
_KINDS = {"erasure": "an erasure", "purge": "a purge", "off-boarding": "an off-boarding"}


def add_to(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command among those of `verify`."""
    parser = actions.add_parser("receipt", help="a receipt of what was destroyed, offline", description=_ABOUT)
    parser.add_argument(
        "file", metavar="FILE", help="the receipt, or the answer that it came in, in JSON; - reads standard input"
    )
    parser.add_argument(
        "--public-key", required=True, metavar="FILE", help="the public key of the vault's receipts, as DER or PEM"
    )
    parser.add_argument("--token", metavar="TOKEN", help="say also whether this token is among what was destroyed")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the text")
    parser.set_defaults(run=run)


class RefusedReceipt(Problem):
    """The receipt proves nothing."""

    def __init__(self, name: str, refused: ReceiptRefused) -> None:
        super().__init__(f"{name} proves nothing: {refused}")
        self._refused = refused

    def as_json(self) -> dict[str, Any]:
        """With what is wrong in one word."""
        return {**super().as_json(), "flaw": self._refused.flaw}


def run(arguments: argparse.Namespace) -> None:
    """A `Problem` unless the receipt is the vault's, and speaks for the token if one is named."""
    name = "standard input" if arguments.file == STANDARD_INPUT else printable(arguments.file)
    receipt = _checked(_receipt_in(_content(arguments.file, name)), name, arguments.public_key)
    among = None if arguments.token is None else _names(receipt, arguments.token, name)
    if arguments.json:
        print_json(_as_json(receipt, among))
    else:
        _tell(Terminal(), name, receipt, among)
    if among is False:
        raise ReportedProblem("the token is not among what this receipt speaks for")


def _checked(text: bytes, name: str, key_file: str) -> dict[str, Any]:
    key_name = printable(key_file)
    try:
        return checked(text, _content(key_file, key_name))
    except UnusableKey as unusable:
        raise WrongUsage(f"{key_name} is not the public key of a vault's receipts: {unusable}") from None
    except ReceiptRefused as refused:
        raise RefusedReceipt(name, refused) from None


def _content(file: str, name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        raise Problem(f"{name} cannot be read: {error.strerror}") from None


def _receipt_in(text: bytes) -> bytes:
    """Out of the answer of a function, if the file is one."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return text
    inside = answer.get("receipt") if isinstance(answer, dict) and "signature" not in answer else None
    return json.dumps(inside).encode() if isinstance(inside, dict) else text


def _names(receipt: Mapping[str, Any], token: str, name: str) -> bool:
    if receipt["kind"] == ReceiptKind.OFF_BOARDING:
        raise Problem(f"{name} is genuine, and names no tokens: it speaks for all that its tenant had")
    if "leaves" not in receipt:
        raise Problem(f"{name} is genuine, but has none of its leaves, which alone tell whether a token is among them")
    return names_token(receipt, token)


def _as_json(receipt: Mapping[str, Any], among: bool | None) -> dict[str, Any]:  # noqa: FBT001  whether there is one
    named = ("id", "kind", "tenant_id", "reason", "at", "final_at", "counts", "by_purpose", "tokens", "excludes")
    return {
        "ok": among is not False,
        **{name: receipt[name] for name in (*named, "policy", "fingerprint")},
        "is_final": _is_final(receipt),
        "blocked": receipt.get("blocked", []),
        **({} if among is None else {"token_is_among": among}),
    }


def _is_final(receipt: Mapping[str, Any]) -> bool:
    return moments.from_text(receipt["final_at"]) <= SystemClock().now()


def _tell(console: Terminal, name: str, receipt: Mapping[str, Any], among: bool | None) -> None:  # noqa: FBT001
    kind = _KINDS[receipt["kind"]]
    whose = "several tenants" if receipt["tenant_id"] is None else f"the tenant {receipt['tenant_id']}"
    console.say(
        f"{name} is genuine: signed by the key {receipt['fingerprint'][:16]}..., and unchanged in all that is signed"
    )
    console.section(f"Receipt {receipt['id']}", f"Of {kind} at {receipt['at']}, of {whose}.")
    if receipt["reason"] is not None:
        console.say(f"Reason given: {printable(receipt['reason'])}")
    console.say(f"Destroyed: {_destroyed(receipt)}.")
    for purpose, count in receipt["by_purpose"].items():
        console.say(f"  for {purpose}: {counted(count, 'number')}")
    console.say(f"Final: {_finality(receipt)}")
    console.say(f"Not spoken for: copies that somebody made outside the vault ({listed(receipt['excludes'])}).")
    console.say(f"Policy: {receipt['policy'] or 'of no file'} (SHA-256)")
    blocked = receipt.get("blocked")
    if isinstance(blocked, list) and blocked:
        console.say(f"Beside what is signed: {counted(len(blocked), 'record')} could not be destroyed:")
        for each in blocked:
            console.say(f"  {printable(json.dumps(each, sort_keys=True))}")
    if among is not None:
        console.say("The token is among what was destroyed." if among else "The token is NOT among what was destroyed.")


def _destroyed(receipt: Mapping[str, Any]) -> str:
    counts = receipt["counts"]
    numbers = counted(counts["stored_numbers"], "stored number")
    return f"the keys of {numbers} and {counted(counts['message_keys'], 'message key')}"


def _finality(receipt: Mapping[str, Any]) -> str:
    if _is_final(receipt):
        return f"since {receipt['final_at']}; no backup of the vault's own holds a key or an index entry any more."
    return f"on {receipt['final_at']}; until then a backup of the vault's own could bring keys back."
