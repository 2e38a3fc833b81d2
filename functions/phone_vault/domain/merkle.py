"""A Merkle tree by RFC 6962, section 2.1: leaves and nodes are hashed apart, so that no node passes for a leaf."""

import hashlib
from collections.abc import Sequence

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """SHA-256 of a leaf; 32 bytes."""
    return hashlib.sha256(_LEAF + content).digest()


class GrowingTree:
    """The same tree, leaf after leaf, for more leaves than memory should hold."""

    def __init__(self) -> None:
        self.count = 0
        self._complete: list[bytes] = []
        """Roots of complete subtrees, from the largest to the smallest."""

    def add(self, leaf: bytes) -> None:
        """A leaf's hash."""
        rest, node = self.count, leaf
        while rest & 1:
            node = hashlib.sha256(_NODE + self._complete.pop() + node).digest()
            rest >>= 1
        self._complete.append(node)
        self.count += 1

    def root(self) -> bytes:
        """As it is now."""
        node: bytes | None = None
        for left in reversed(self._complete):
            node = left if node is None else hashlib.sha256(_NODE + left + node).digest()
        return root([]) if node is None else node


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's hash over leaf hashes in this order; SHA-256 of nothing when there are none."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        # The last of an odd number moves up as it is: the same tree as the RFC's, which parts at powers of two.
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [hashlib.sha256(_NODE + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
    return level[0]
