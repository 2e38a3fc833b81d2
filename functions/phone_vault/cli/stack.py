"""Which vault a command looks at: that of the `LocalCloud` open in the process, else a deployed stack."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phone_vault.cli import aws
from phone_vault.cli.policy import file
from phone_vault.cli.problem import Problem, WrongUsage
from phone_vault.domain.errors import TamperedStore

if TYPE_CHECKING:
    from phone_vault.local import LocalCloud

_EMBEDDED_STACK = "phone-vault"


@dataclass(frozen=True, slots=True)
class Vault:
    """A deployed vault, as an operator sees it."""

    stack_name: str
    place: str
    """Where it stands, in words."""
    policy_file: str
    policy_origin: str
    """Whose policy that is, in words."""
    client: Callable[..., Any]
    """Of a service, with a configuration if it needs one of its own."""
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The AWS CLI's, and the policy."""
    aws.add_options(parser, "the vault's stack; not needed while a LocalCloud is open")
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="the vault policy that was deployed; default: the one that ships with this command",
    )


@contextmanager
def asking_aws() -> Iterator[None]:
    """What AWS does not answer is a `Problem`, and so is a row that the vault has not written."""
    from phone_vault.adapters.operator_access import CannotAsk

    try:
        yield
    except CannotAsk as refused:
        raise Problem(str(refused)) from None
    except TamperedStore as tampered:
        raise Problem(f"a table is not as the vault writes it: {tampered}") from None


def vault_of(arguments: argparse.Namespace) -> Vault:
    """The vault that the options mean; a `Problem` when it cannot be reached or is none."""
    from phone_vault.adapters.operator_access import described_stack

    cloud = aws.open_cloud()
    options = aws.options_in(arguments)
    name = options.stack_name or (_EMBEDDED_STACK if cloud else None)
    if name is None:
        raise WrongUsage("name the vault's stack with --stack-name (no LocalCloud is open in this process)")
    policy_file, policy_origin = _policy(arguments, cloud)
    with asking_aws():
        cloudformation = options.client("cloudformation")
        stack = described_stack(cloudformation, name)
    region = cloudformation.meta.region_name
    return Vault(
        stack_name=name,
        place="the embedded AWS of this process" if cloud else f"{options.endpoint_url or 'AWS'}, region {region}",
        policy_file=policy_file,
        policy_origin=policy_origin,
        client=options.client,
        outputs=_Described(name, stack.outputs),
        parameters=_Described(name, stack.parameters),
    )


class _Described(dict[str, str]):
    """Outputs or parameters of a stack. One that is missing shows that the stack is no vault."""

    def __init__(self, stack_name: str, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self._stack_name = stack_name

    def __missing__(self, name: str) -> str:
        raise Problem(f"the stack {self._stack_name} is no Phone Vault of this release: it has no {name}")


def _policy(arguments: argparse.Namespace, cloud: "LocalCloud | None") -> tuple[str, str]:
    if arguments.policy is not None:
        return arguments.policy, "named by --policy"
    if cloud is not None:
        return str(cloud.policy_file), "that of the embedded AWS"
    return str(file.shipped()), "shipped with this command; name the one that was deployed with --policy"
