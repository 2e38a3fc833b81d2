"""Key material that cannot be shown by accident."""

import hmac
from typing import NoReturn, final


@final
class SecretKey:
    """Key bytes. Not printed, pickled, copied into JSON, nor used as a dictionary's key."""

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret would outlive it in a dictionary
    __slots__ = ("_material",)

    def __init__(self, material: bytes) -> None:
        self._material = material

    def expose(self) -> bytes:
        """The bytes; for `phone_vault.crypto` and the wrapping of a new key alone."""
        return self._material

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretKey) and hmac.compare_digest(self._material, other._material)

    def __repr__(self) -> str:
        return f"SecretKey({len(self._material)} bytes)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SecretKey is not serialised")
