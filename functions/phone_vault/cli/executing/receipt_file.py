"""Receipts as files: what somebody keeps who has to prove that something was destroyed."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phone_vault.cli.console import Console
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

_ID_BEGINS = "rcpt_"


class ReceiptFile:
    """Where a receipt will be written; nothing that is there already is overwritten, but for the same receipt."""

    def __init__(self, named: Path | None, folder: Path | None = None) -> None:
        """A `Problem` now, before anything is destroyed, if it cannot be written; None: by its id, in `folder`."""
        self._named = named
        self._folder = folder or Path()
        if named is not None and named.exists():
            raise Problem(f"{printable(named)} is there already: name another file with --receipt")
        place = self._folder if named is None else named.absolute().parent
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise Problem(f"no receipt could be written to {printable(place)}: name another place for it")

    def write(self, receipt: Mapping[str, Any]) -> Path:
        """The file; a `Problem` that holds the receipt if it cannot be written."""
        name = f"{receipt['kind']}-{str(receipt['id']).removeprefix(_ID_BEGINS)}.receipt.json"
        path = self._named or self._folder / name
        text = json.dumps(receipt, indent=2, ensure_ascii=False) + "\n"
        try:
            _replace(path, text)
        except OSError as error:
            raise Problem(
                f"{printable(path)} cannot be written: {error.strerror}. This is the receipt; the vault has it too, in "
                f"the table Operations: {json.dumps(receipt)}"
            ) from None
        return path


def tell(path: Path, console: Console) -> None:
    """Where it is, and how it is checked."""
    console.say(f"receipt: {printable(path)}")
    console.say("to check it, with the key that `phone-vault verify receipt --help` tells of:")
    console.say("phone-vault verify receipt --public-key receipt-key.der \\")
    console.say(f"  {printable(path)} --token TOKEN")


def _replace(path: Path, text: str) -> None:
    """The whole of it or nothing."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=".receipt-")
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123  a handle, no path
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
