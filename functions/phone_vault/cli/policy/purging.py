"""What becomes of numbers whose purposes have ended, in words."""

from phone_vault.cli.policy.words import Entry, Section, counted
from phone_vault.domain.policy import VaultPolicy


def purging(policy: VaultPolicy) -> Section:
    """How much is destroyed without a person, and what is told of it afterwards."""
    return Section(
        "Purges and erasures",
        "A number is destroyed by the Purge once all its purposes have ended, or before by the function Erase. What "
        "is under a legal hold is kept; what is restricted is kept from the Purge.",
        (
            Entry(
                "Circuit breaker",
                (
                    f"A Purge that nobody has planned destroys at most {100 * policy.circuit_breaker:g} percent of a "
                    "tenant's numbers. Where more is due it leaves out the tenant and raises an alarm, until a person "
                    "has seen a plan and runs it.",
                ),
            ),
            Entry(
                "Tombstones",
                (
                    f"For {counted(policy.tombstone_days, 'day')} whoever asks for a destroyed number is told that it "
                    "was erased; afterwards, that there is none.",
                ),
            ),
        ),
    )
