"""Suppressed numbers: what stays of an objection when the number itself is gone."""

from dataclasses import dataclass

FIRST_LAYER = 1


@dataclass(frozen=True, slots=True)
class Suppression:
    """That a number is not to be used for a purpose again; both are in the digest, and only there.

    A digest cannot be made anew under another key: the number is not there any more. So a new key adds a layer, an HMAC
    of the digest of before, and takes all keys from then on to be recognised.
    """

    tenant_id: str
    digest: bytes
    layers: int
    """The version of the last key that it is under; below that it is under all others that were ever in use."""
