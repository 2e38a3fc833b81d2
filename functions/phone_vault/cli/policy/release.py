"""What this release does of all that a vault policy can say; tests hold it to the code."""

from phone_vault.cli.policy.words import Entry, Section, counted
from phone_vault.domain.policy import VaultPolicy

FOR_PRIVACY_TEAMS = ("Consent", "Restrict", "Hold", "Erase")
"""Those that neither purposes nor views of a principal bound."""
FUNCTIONS = ("Protect", "Reveal", "Lookup", "Verify", "Encrypt", "Decrypt", *FOR_PRIVACY_TEAMS)
"""The functions that this release has and a principal can be given, in the contract's order."""

NOT_ACTED_ON = (
    "direct_marketing",
    "recipient",
)
"""The settings that are read and checked, and change nothing yet."""


def not_acted_on(policy: VaultPolicy) -> Section:
    """What the settings of `NOT_ACTED_ON` say, and what they are for."""
    marketing = sum(purpose.direct_marketing for purpose in policy.purposes.values())
    recipients = sum(principal.recipient is not None for principal in policy.principals)
    meanings = {
        "direct_marketing": f"Set for {counted(marketing, 'purpose')}: whether an objection ends the purpose at once.",
        "recipient": f"Set for {counted(recipients, 'principal')}: what an export will call whoever received a number.",
    }
    return Section(
        "Read and checked, but without effect in this release",
        "Do not rely on these settings yet.",
        tuple(Entry(name, (meanings[name],)) for name in NOT_ACTED_ON),
    )
