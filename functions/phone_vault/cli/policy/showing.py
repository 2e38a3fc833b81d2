"""What is left of a policy, in words: masks, guesses and caches."""

from phone_vault.cli.policy.words import Entry, Section, counted
from phone_vault.domain.phone import HIDDEN_AT_LEAST
from phone_vault.domain.policy import VaultPolicy


def masks_guesses_and_caches(policy: VaultPolicy) -> Section:
    """How much a mask shows, how often it may be guessed at, and for how long a key stays in memory."""
    seconds = policy.branch_key_cache_seconds
    suffix = policy.visible_suffix
    shown = f"at most the last {counted(suffix, 'digit')}" if suffix else "no digit"
    kept = (
        f"At most {counted(seconds, 'second')}. For that long a function may go on after a KMS key was disabled."
        if seconds
        else "Not at all: every operation asks KMS again."
    )
    return Section(
        "Masks, guesses and caches",
        "How much a masked number shows, how often the rest may be guessed, and how soon a disabled key takes effect.",
        (
            Entry(
                "Masked numbers",
                (
                    f"They show the calling code and {shown} of the national number; {HIDDEN_AT_LEAST} digits stay "
                    "hidden whatever is set here, and all digits where there are no more.",
                ),
            ),
            Entry(
                "Wrong numbers",
                (
                    f"Verify tells of at most {counted(policy.verify_mismatches_per_token, 'number')} for one token in "
                    "an hour of the clock (UTC) that it is not the token's, whoever asks. Then it refuses to say "
                    "anything of the token, of the right number too, until the next hour.",
                ),
            ),
            Entry("Keys in a function's memory", (kept,)),
        ),
    )
