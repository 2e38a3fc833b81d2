"""Suppression digests under a new key: a layer over each, because the numbers are not there to be digested again."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from phone_vault.crypto import macs
from phone_vault.domain.ports import Contended, SuppressionStore
from phone_vault.domain.secret import SecretKey
from phone_vault.domain.suppression import Suppression


def relayer(
    suppressions: SuppressionStore, tenant_id: str, versions: Sequence[int], key_of: Callable[[int], SecretKey]
) -> int:
    """Put every digest of the tenant under the keys of all these versions, in their order; how many were not.

    Each in a transaction of its own, so that a crash leaves some under fewer layers: they are recognised as well, and
    the next call goes on with them. Whoever asks for a number asks for it under each number of layers.
    """
    behind = [each for each in suppressions.of_tenant(tenant_id) if each.layers < versions[-1]]
    for each in behind:
        with suppress(Contended):  # another call has put the layer
            suppressions.replace(each, _under(each, versions, key_of))
    return len(behind)


def _under(suppression: Suppression, versions: Sequence[int], key_of: Callable[[int], SecretKey]) -> Suppression:
    digest = suppression.digest
    for version in versions:
        if version > suppression.layers:
            digest = macs.suppression_layer(key_of(version), suppression.tenant_id, digest)
    return Suppression(suppression.tenant_id, digest, versions[-1])
