"""AWS as an operator at a terminal reaches it: by profile and region, with patience, and in plain words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 8})

_NOT_PERMITTED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_NOT_BELIEVED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class CannotAsk(Exception):
    """AWS does not answer the operator; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Access:
    """The options of the AWS CLI."""

    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None

    def client(self, service: str, config: Config = CONFIG) -> Any:
        """A client; `CannotAsk` when the options lead nowhere."""
        try:
            session: Any = boto3.session.Session(profile_name=self.profile, region_name=self.region)
            return session.client(service, endpoint_url=self.endpoint_url, config=config)
        except NoRegionError:
            raise CannotAsk("no AWS region is set: name one with --region") from None
        except (BotoCoreError, ValueError) as error:
            raise CannotAsk(f"the AWS settings do not do: {error}") from None


@dataclass(frozen=True, slots=True)
class Stack:
    """What a deployed stack says of itself."""

    id: str
    """An ARN with a part that no other stack has, nor one that is made anew under the same name."""
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]


def described_stack(cloudformation: Any, name: str) -> Stack:
    """By DescribeStacks; `CannotAsk` when there is no such stack."""
    with asking(f"the stack {name}"):
        (described,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return Stack(
        described["StackId"],
        {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])},
        {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])},
    )


@contextmanager
def asking(about: str) -> Iterator[None]:
    """Whatever AWS and its SDK say against it becomes `CannotAsk`."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError):
        raise CannotAsk(
            f"{about} cannot be read: there are no AWS credentials. Name a profile with --profile, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from None
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        raise CannotAsk(f"{about} {_reason(code)}: {message or code}") from None
    except BotoCoreError as error:
        raise CannotAsk(f"{about} cannot be read: {error}") from None


def _reason(code: str) -> str:
    if code in _NOT_PERMITTED:
        return "may not be read with these credentials"
    if code in _NOT_BELIEVED:
        return "cannot be read, because AWS does not accept the credentials"
    return "cannot be read"
