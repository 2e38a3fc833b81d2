"""KMS rotation on demand: dated by the embedded clock, of usable symmetric keys, and not for ever."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from moto.core.exceptions import JsonRESTError
from moto.kms.models import KmsBackend

from phone_vault.local.repairs.kms import require_usable

_ON_DEMAND = "ON_DEMAND"
_ROTATIONS = 25
"""In the life of a key: KMS Developer Guide, "Perform on-demand key rotation"."""

_rotate = KmsBackend.rotate_key_on_demand


@contextmanager
def repairs(now: Callable[[], datetime]) -> Iterator[None]:
    """`now` is the embedded clock's time. Ciphertexts of earlier material stay readable, as in stock moto."""

    def rotate(backend: KmsBackend, key_id: str) -> str:
        key = backend.keys[backend.get_key_id(key_id)]
        require_usable(key)
        if key.key_spec != "SYMMETRIC_DEFAULT":
            raise JsonRESTError("UnsupportedOperationException", f"{key.arn} is not a symmetric encryption key.")
        if sum(rotation["RotationType"] == _ON_DEMAND for rotation in key.rotations) >= _ROTATIONS:
            raise JsonRESTError(
                "LimitExceededException", f"{key.arn} was rotated on demand {_ROTATIONS} times already."
            )
        answer = _rotate(backend, key_id)
        key.rotations[-1] |= {"KeyId": key.id, "RotationDate": now().timestamp()}
        return answer

    with patch.object(KmsBackend, "rotate_key_on_demand", rotate):
        yield
