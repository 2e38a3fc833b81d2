"""`phone-vault verify`: checks of what the vault has signed."""

import argparse

from phone_vault.cli import verify_receipt


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the group."""
    group = commands.add_parser("verify", help="check what the vault has signed")
    verify_receipt.add_to(group.add_subparsers(title="commands", metavar="COMMAND", required=True))
