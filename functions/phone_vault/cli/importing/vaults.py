"""Which vault the command line means."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phone_vault.cli.aws import AwsOptions
from phone_vault.cli.importing.vault import Busy, Vault
from phone_vault.cli.problem import Problem

if TYPE_CHECKING:
    from phone_vault.adapters.invocations import LambdaInvocations
    from phone_vault.local import LocalCloud

_FUNCTION = "Protect"


@dataclass(frozen=True, slots=True)
class Place:
    """Without a stack it is the embedded AWS."""

    aws: AwsOptions
    alias: str | None

    @property
    def embedded(self) -> bool:
        """Not a stack that somebody deployed."""
        return self.aws.stack_name is None


@contextmanager
def vault_at(place: Place) -> Iterator[Vault]:
    """While a `LocalCloud` is open in the process, everything goes to that one; else a stack, else one of its own."""
    if place.embedded:
        with _embedded() as cloud:
            yield EmbeddedVault(cloud, place.alias)
        return
    from phone_vault.adapters import invocations

    functions = place.aws.client("lambda", invocations.CONFIG)
    name = f"{place.aws.stack_name}-{_FUNCTION}"
    yield StackVault(place, invocations.LambdaInvocations(functions, name, place.alias))


class EmbeddedVault:
    """Invokes in this process."""

    def __init__(self, cloud: "LocalCloud", alias: str | None) -> None:
        self._cloud = cloud
        self._alias = alias
        # An embedded vault ends with its process; its key is one that no other has.
        self.identity = f"embedded {cloud.outputs['KekId']}"

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """Its answer."""
        from phone_vault.local import FunctionError

        try:
            return self._cloud.invoke(_FUNCTION, payload, alias=self._alias)
        except FunctionError as fault:
            raise Problem(f"the function {_FUNCTION} failed: {fault}") from None


class StackVault:
    """Invokes the function of a deployed stack."""

    def __init__(self, place: Place, function: "LambdaInvocations") -> None:
        self._function = function
        # Where it is and by which credentials: nobody continues in another account by mistake.
        aws = place.aws
        parts = (aws.stack_name, place.alias, function.region, aws.endpoint_url, aws.profile)
        self.identity = " ".join(part or "-" for part in parts)

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """Its answer."""
        from phone_vault.adapters.invocations import CannotInvoke, Unanswered

        try:
            return self._function.invoke(payload)
        except Unanswered as busy:
            raise Busy(str(busy)) from None
        except CannotInvoke as fault:
            raise Problem(str(fault)) from None


@contextmanager
def _embedded() -> Iterator["LocalCloud"]:
    # Here, not above: moto costs seconds, and whoever imports into a stack may not have installed it.
    try:
        from phone_vault.local import LocalCloud, current
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("phone_vault"):
            raise
        raise Problem(
            f"the embedded AWS is not installed (there is no module {missing.name}). Name a stack with --stack-name, "
            "or install the extra `local`: pip install '.[local]' in the checkout."
        ) from None
    cloud = current()
    if cloud is not None:
        yield cloud
        return
    with LocalCloud() as own:
        yield own
