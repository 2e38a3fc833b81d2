import hashlib

import pytest

from phone_vault.domain import merkle

# The leaves of Certificate Transparency's own tests of RFC 6962, and its roots of the first 1 to 8 of them.
# Source: google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc.
LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_rfc_6962(count: int) -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:count]]
    assert merkle.root(leaves).hex() == ROOTS[count - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == hashlib.sha256(b"").digest()


def test_a_node_does_not_pass_for_a_leaf() -> None:
    left, right = merkle.leaf_hash(b"left"), merkle.leaf_hash(b"right")
    assert merkle.leaf_hash(left + right) != merkle.root([left, right])


def as_defined(leaves: list[bytes]) -> bytes:
    """RFC 6962's own words: parted at the largest power of two that is smaller than the number of leaves."""
    if len(leaves) == 1:
        return leaves[0]
    at = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + as_defined(leaves[:at]) + as_defined(leaves[at:])).digest()


@pytest.mark.parametrize("count", range(1, 70))
def test_a_tree_that_grows_is_as_defined_at_every_size(count: int) -> None:
    leaves = [merkle.leaf_hash(bytes([each])) for each in range(count)]
    tree = merkle.GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    assert (tree.root(), tree.count) == (as_defined(leaves), count)
