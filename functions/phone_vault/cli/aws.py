"""The AWS that a command acts on: that of the `LocalCloud` open in the process, else the one that its options name."""

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phone_vault.cli.problem import Problem

if TYPE_CHECKING:
    from phone_vault.local import LocalCloud


@dataclass(frozen=True, slots=True)
class AwsOptions:
    """Those of the AWS CLI, by its names."""

    stack_name: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None

    def name_an_aws(self) -> bool:
        """Whether any of them says which AWS it is."""
        return any((self.endpoint_url, self.profile, self.region))

    def client(self, service: str, config: Any = None) -> Any:
        """A client of the open cloud, else of AWS; a `Problem` when the options lead nowhere."""
        # Here, not above: boto3 is slow to import, and other commands do without it.
        from phone_vault.adapters.operator_access import CONFIG, Access, CannotAsk

        cloud = open_cloud()
        if cloud is not None:
            return cloud.client(service, config=config or CONFIG)
        try:
            return Access(self.endpoint_url, self.profile, self.region).client(service, config or CONFIG)
        except CannotAsk as refused:
            raise Problem(str(refused)) from None


def add_options(parser: argparse.ArgumentParser, stack: str) -> "argparse._ArgumentGroup":
    """Declare them; `stack` says what the stack's name is for. Answers the group, which a command may add to."""
    aws = parser.add_argument_group("AWS")
    aws.add_argument("--stack-name", metavar="NAME", help=stack)
    aws.add_argument("--endpoint-url", metavar="URL", help="in place of AWS's own, for all services")
    aws.add_argument("--profile", metavar="NAME", help="of the AWS configuration")
    aws.add_argument("--region", metavar="NAME", help="the AWS region")
    return aws


def options_in(arguments: argparse.Namespace) -> AwsOptions:
    """As the command line has them."""
    return AwsOptions(arguments.stack_name, arguments.endpoint_url, arguments.profile, arguments.region)


def open_cloud() -> "LocalCloud | None":
    """Without importing the embedded AWS: who has not imported it has not opened one."""
    local = sys.modules.get("phone_vault.local")
    return local.current() if local else None
