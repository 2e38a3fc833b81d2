"""What the contract and integration tests have in common: the vault from outside, the wire, and a leak detector."""
