"""The purposes of a policy in words: why a number may be kept, for how long, and what ends it earlier."""

from collections.abc import Iterator

from phone_vault.cli.policy.words import Entry, Section, counted, under
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import LawfulBasis, Purpose, RetentionStart, VaultPolicy

_BASES = {
    LawfulBasis.CONSENT: ("a", "the data subject has given consent"),
    LawfulBasis.CONTRACT: ("b", "a contract with the data subject needs it, or steps they asked for before one"),
    LawfulBasis.LEGAL_OBLIGATION: ("c", "a legal obligation of the controller needs it"),
    LawfulBasis.VITAL_INTERESTS: ("d", "somebody's vital interests need it"),
    LawfulBasis.PUBLIC_TASK: ("e", "a task in the public interest or of official authority needs it"),
    LawfulBasis.LEGITIMATE_INTERESTS: ("f", "legitimate interests need it and the data subject's do not override them"),
}
_STARTS = {
    RetentionStart.CREATED: "from when the number was given to the vault for this purpose",
    RetentionStart.LAST_USED: (
        "from the last time the number was revealed or decrypted in full for this purpose, "
        "and before the first time from when it was given to the vault for it"
    ),
    RetentionStart.CONSENT: "from when the consent was given",
}
_OBJECTION_RESTRICTS = frozenset({LawfulBasis.PUBLIC_TASK, LawfulBasis.LEGITIMATE_INTERESTS})


def purposes(policy: VaultPolicy) -> Section:
    """Each with its lawful basis and its retention."""
    return Section(
        "Purposes",
        "A number is kept for named purposes, each with a lawful basis of its own. When a purpose ends the number can "
        "no longer be revealed, found or verified for it. A day is 24 hours. The law is the one that the request "
        f"names, else {policy.default_jurisdiction}, the policy's default; besides, the number's own region counts "
        "(the EEA, the United Kingdom and its islands, California), but it can only shorten a retention. Where "
        "several laws may apply, the strictest applies: the fewest days.",
        tuple(
            Entry(name, tuple(_sentences(purpose, policy.consent_proof_days)))
            for name, purpose in policy.purposes.items()
        ),
    )


def article(basis: LawfulBasis) -> str:
    """`Art. 6(1)(a) GDPR`."""
    return f"Art. 6(1)({_BASES[basis][0]}) GDPR"


def days_under(purpose: Purpose) -> dict[Jurisdiction, int]:
    """The retention in days under each law."""
    return {each: purpose.rule_under([each]).days for each in Jurisdiction}


def _sentences(purpose: Purpose, proof_days: int) -> Iterator[str]:
    basis = purpose.lawful_basis
    yield f"Lawful basis: {_words(basis)} ({article(basis)}: {_BASES[basis][1]})."
    yield f"Retention: {_lengths(purpose)}, {_STARTS[purpose.retention.start]}."
    if purpose.rests_on_consent:
        yield (
            "Consent: without one no number is taken for this purpose. It comes with the moment it was given and with "
            "evidence, and is refused when it is older than the retention; a newer consent starts the retention anew. "
            "The function Consent withdraws it: the purpose ends at once, and begins again only by a consent that was "
            "given later, for numbers that are stored later too."
        )
        yield (
            "Proof of consent: what was consented to, when, on which evidence, and when it was withdrawn, is kept for "
            f"{counted(max(days_under(purpose).values()) + proof_days, 'day')} from then on, also when the number is "
            f"erased or purged: for the longest retention, and {counted(proof_days, 'day')} beyond it "
            "(consent_proof_days)."
        )
    if purpose.direct_marketing:
        yield (
            "Direct marketing: an objection is to end it at once and for good (Art. 21(3) GDPR). That needs the "
            "function Object, which this release does not have yet."
        )
    elif basis in _OBJECTION_RESTRICTS:
        yield (
            "Objection: it is to suspend the purpose until it is decided (Art. 21(1) GDPR). That needs the function "
            "Object, which this release does not have yet."
        )


def _words(basis: LawfulBasis) -> str:
    return basis.replace("_", " ")


def _lengths(purpose: Purpose) -> str:
    laws_by_days: dict[int, list[Jurisdiction]] = {}
    for law, days in days_under(purpose).items():
        laws_by_days.setdefault(days, []).append(law)
    if len(laws_by_days) == 1:
        return f"{counted(purpose.retention.days, 'day')} under every law"
    return "; ".join(f"{counted(days, 'day')} {under(laws)}" for days, laws in laws_by_days.items())
