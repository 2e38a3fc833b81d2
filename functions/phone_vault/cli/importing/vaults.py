"""Which vault the command line means."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phone_vault.cli.importing.vault import Busy, Vault
from phone_vault.cli.problem import Problem

if TYPE_CHECKING:
    from phone_vault.adapters.invocations import LambdaInvocations
    from phone_vault.local import LocalCloud

_FUNCTION = "Protect"


@dataclass(frozen=True, slots=True)
class Place:
    """The AWS options; without a stack it is the embedded AWS."""

    stack: str | None
    alias: str | None
    endpoint_url: str | None
    profile: str | None
    region: str | None


@contextmanager
def vault_at(place: Place) -> Iterator[Vault]:
    """While a `LocalCloud` is open in the process, everything goes to that one; else a stack, else one of its own."""
    if place.stack is None:
        with _embedded() as cloud:
            yield EmbeddedVault(cloud, place.alias)
        return
    from phone_vault.adapters import invocations

    already_open = _open_cloud()
    if already_open is not None:
        functions = already_open.client("lambda", config=invocations.CONFIG)
    else:
        try:
            functions = invocations.client(place.endpoint_url, place.profile, place.region)
        except invocations.CannotInvoke as fault:
            raise Problem(str(fault)) from None
    name = f"{place.stack}-{_FUNCTION}"
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
        parts = (place.stack, place.alias, function.region, place.endpoint_url, place.profile)
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


def _open_cloud() -> "LocalCloud | None":
    """Without importing the embedded AWS: who has not imported it has not opened one."""
    local = sys.modules.get("phone_vault.local")
    return local.current() if local else None
