"""The command line."""

from phone_vault.cli.command_line import main

__all__ = ["main"]
