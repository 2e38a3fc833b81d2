"""Which vault the command line means."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phone_vault.cli.aws import AwsOptions
from phone_vault.cli.importing.patient_vault import Busy, NotAsked, Vault
from phone_vault.cli.problem import Problem
from phone_vault.cli.stack import asking_aws

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
    from phone_vault.adapters import invocations, operator_access

    with asking_aws():
        stack = operator_access.described_stack(place.aws.client("cloudformation"), str(place.aws.stack_name))
    functions = place.aws.client("lambda", invocations.CONFIG)
    name = f"{place.aws.stack_name}-{_FUNCTION}"
    yield StackVault(stack.id, invocations.LambdaInvocations(functions, name, place.alias))


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

    def __init__(self, stack_id: str, function: "LambdaInvocations") -> None:
        self._function = function
        # Account and region are part of it, and one made anew under the same name has another.
        self.identity = f"stack {stack_id}"

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """Its answer."""
        from phone_vault.adapters.invocations import CannotInvoke, Failed, Unanswered

        try:
            return self._function.invoke(payload)
        except Unanswered as busy:
            raise Busy(str(busy)) from None
        except Failed as fault:
            raise Problem(str(fault)) from None
        except CannotInvoke as refused:
            raise NotAsked(str(refused)) from None


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
