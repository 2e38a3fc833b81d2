"""What a row of KeyRing wraps: the keys of `WRAPPED_TOGETHER`, 32 bytes each, one after the other."""

from collections.abc import Mapping

from phone_vault.crypto.numbers import KEY_BYTES
from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import WRAPPED_TOGETHER, KeyUse


def joined(use: KeyUse, keys: Mapping[KeyUse, bytes]) -> bytes:
    """The plaintext of a row of this use."""
    return b"".join(keys[each] for each in WRAPPED_TOGETHER[use])


def parted(use: KeyUse, plaintext: bytes) -> dict[KeyUse, bytes]:
    """The keys in it; `TamperedStore` where it is not as long as they are."""
    uses = WRAPPED_TOGETHER[use]
    if len(plaintext) != len(uses) * KEY_BYTES:
        raise TamperedStore("a row of KeyRing wraps something else than its keys")
    return {each: plaintext[at * KEY_BYTES : (at + 1) * KEY_BYTES] for at, each in enumerate(uses)}
