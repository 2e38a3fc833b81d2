"""A Merkle tree by RFC 6962, section 2.1: leaves and nodes are hashed apart, so that no node passes for a leaf."""

import hashlib
from collections.abc import Iterable

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """SHA-256 of a leaf; 32 bytes."""
    return hashlib.sha256(_LEAF + content).digest()


class GrowingTree:
    """Leaf after leaf, for more leaves than memory should hold."""

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
        """Of the leaves so far; SHA-256 of nothing when there are none."""
        node: bytes | None = None
        for left in reversed(self._complete):
            node = left if node is None else hashlib.sha256(_NODE + left + node).digest()
        return hashlib.sha256(b"").digest() if node is None else node


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree's hash over leaf hashes in this order."""
    tree = GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()
