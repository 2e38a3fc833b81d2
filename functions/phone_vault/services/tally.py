"""What a function counts while it answers; the handler turns it into metrics."""

from collections import Counter
from enum import StrEnum


class Measure(StrEnum):
    """Names of the metrics."""

    PROTECTS = "Protects"
    REVEALS = "Reveals"
    LOOKUPS = "Lookups"
    VERIFICATIONS = "Verifications"
    ENCRYPTIONS = "Encryptions"
    DECRYPTIONS = "Decryptions"
    CONSENTS = "Consents"
    RESTRICTIONS = "Restrictions"
    HOLDS = "Holds"
    ERASURES = "Erasures"
    CIRCUIT_BREAKER_TRIPS = "CircuitBreakerTrips"
    ROTATION_FAILURES = "RotationFailures"
    BREAK_GLASS_USES = "BreakGlassUses"
    KMS_CALLS = "KmsCalls"
    KEY_CACHE_HITS = "KeyCacheHits"


class Tally:
    """Counts since they were last taken."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()

    def count(self, measure: Measure) -> None:
        """One more."""
        self._counts[measure] += 1

    def count_refusal(self, problem: str) -> None:
        """One more refusal, by the problem's name."""
        self._refusals[problem] += 1

    def take(self) -> tuple[Counter[str], Counter[str]]:
        """The counts and the refusals so far; both begin again at nothing."""
        taken = self._counts, self._refusals
        self._counts, self._refusals = Counter(), Counter()
        return taken
