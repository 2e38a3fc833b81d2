"""Values of options."""

from phone_vault.domain.policy import LONGEST_RETENTION_DAYS


def days(text: str) -> int:
    """A number of days, from 1; `ValueError` for anything else."""
    number = int(text)
    if not 1 <= number <= LONGEST_RETENTION_DAYS:
        raise ValueError
    return number
