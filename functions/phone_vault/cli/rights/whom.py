"""The options that say whom it is about, and as who the function is asked."""

import argparse

from phone_vault.cli import stack


def add_options(parser: argparse.ArgumentParser) -> None:
    """The vault, and a data subject or one of its numbers."""
    stack.add_options(parser)
    parser.add_argument("--alias", metavar="NAME", help="the function's alias, by which the policy knows the caller")
    about = parser.add_argument_group("whom it is about")
    which = about.add_mutually_exclusive_group(required=True)
    which.add_argument("--subject", metavar="ID", help="a data subject, with all that is stored of it")
    which.add_argument("--token", metavar="TOKEN", help="one stored number")
    about.add_argument("--tenant", metavar="ID", help="whose it is; default: the tenant called default")


def named_in(arguments: argparse.Namespace) -> dict[str, str]:
    """For the request."""
    named = {"tenant_id": arguments.tenant, "subject_id": arguments.subject, "token": arguments.token}
    return {name: value for name, value in named.items() if value is not None}
