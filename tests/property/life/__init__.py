"""The vault in memory through the life of its keys: ports, instances, a Rotation in steps, and the oracle."""
