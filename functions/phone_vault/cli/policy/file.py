"""The vault policy's file: read and checked, with a message for whatever is wrong with it."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import phone_vault
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.policy_file import PolicyFault, PolicyFaults, parse

STANDARD_INPUT = "-"

_LARGEST_BYTES = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PACKAGE = Path(phone_vault.__file__).parent
# `phone_vault.local.sources` knows them too, but takes moto along.
_SHIPPED = (_PACKAGE / "local" / "shipped" / "functions" / "policy.toml", _PACKAGE.parent / "policy.toml")


class FaultyPolicy(Problem):
    """The file is TOML, but no policy."""

    def __init__(self, name: str, faults: tuple[PolicyFault, ...]) -> None:
        self._faults = faults
        count = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n  ".join([f"{name} has {count}:", *(printable(str(fault)) for fault in faults)]))

    def as_json(self) -> dict[str, Any]:
        """With a path for each fault."""
        faults = [{"path": printable(fault.path), "fault": printable(fault.what)} for fault in self._faults]
        return {**super().as_json(), "faults": faults}


def shipped() -> Path:
    """The policy that comes with this installation: in the wheel, else in the checkout."""
    for path in _SHIPPED:
        if path.is_file():
            return path
    raise Problem("this installation brings no vault policy along; name one with --policy")


def name_of(file: str) -> str:
    """The file as messages call it."""
    return "standard input" if file == STANDARD_INPUT else printable(file)


def read(file: str) -> VaultPolicy:
    """The policy; `-` reads standard input. `Problem` when it cannot be read, `FaultyPolicy` when it is no policy."""
    name = name_of(file)
    document = _document(_content(file, name), name)
    try:
        return parse(document)
    except PolicyFaults as faults:
        raise FaultyPolicy(name, faults.faults) from None


def _content(file: str, name: str) -> bytes:
    try:
        if file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(_LARGEST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise Problem(f"{name} cannot be read: {error.strerror}") from None
    if len(content) > _LARGEST_BYTES:
        raise Problem(f"{name} is larger than {_LARGEST_BYTES:,} bytes: no vault policy")
    return content


def _document(content: bytes, name: str) -> dict[str, Any]:
    if content.startswith(_BYTE_ORDER_MARK):
        # The functions read the same file, and TOML does not allow the mark.
        raise Problem(f"{name} begins with a byte order mark; save it as UTF-8 without one")
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Problem(f"{name} is not UTF-8 (at line {line})") from None
    except RecursionError:
        raise Problem(f"{name} is not TOML that can be read: it is nested too deeply") from None
    except ValueError as error:  # beside TOML's own error, that for a number of thousands of digits
        raise Problem(f"{name} is not TOML: {printable(str(error))}") from None
