"""Which law a number may fall under, as far as the number itself tells.

The inference only ever adds a jurisdiction beside the declared one, and a second one only tightens.
"""

from enum import StrEnum

from phone_vault.domain.phone import PhoneNumber


class Jurisdiction(StrEnum):
    """The legal regimes that a policy can tell apart."""

    GDPR = "GDPR"
    UK_GDPR = "UK_GDPR"
    CCPA = "CCPA"
    OTHER = "OTHER"


# The 27 member states, Iceland, Liechtenstein and Norway, and the territories with region codes of their own in
# which the GDPR applies (Art. 355 TFEU; EEA agreement, annex XI).
# fmt: off
_EEA = frozenset([
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT",
    "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "AX", "GF", "GP", "MQ",
    "RE", "YT", "MF",
])
# fmt: on
_UNITED_KINGDOM_AND_ISLANDS = frozenset(["GB", "GG", "IM", "JE"])
# Source: North American Numbering Plan Administrator, geographic area codes of California, overlays included.
# libphonenumber knows them only through its geocoder, which costs 280 ms at a cold start.
# fmt: off
_CALIFORNIA_AREA_CODES = frozenset([
    "209", "213", "279", "310", "323", "341", "350", "357", "369", "408", "415", "424", "442", "510", "530",
    "559", "562", "619", "626", "628", "650", "657", "661", "669", "707", "714", "738", "747", "760", "805",
    "818", "820", "831", "837", "840", "858", "909", "916", "925", "949", "951",
])
# fmt: on


def applicable(declared: Jurisdiction, number: PhoneNumber, country: str) -> tuple[Jurisdiction, ...]:
    """The declared one first, then the one that the number suggests, which can only tighten."""
    inferred = inferred_from(number, country)
    return (declared,) if inferred in (None, declared) else (declared, inferred)


def inferred_from(number: PhoneNumber, country: str) -> Jurisdiction | None:
    """The regime that the number's region (libphonenumber's code) or Californian area code suggests."""
    if country in _EEA:
        return Jurisdiction.GDPR
    if country in _UNITED_KINGDOM_AND_ISLANDS:
        return Jurisdiction.UK_GDPR
    _, national = number.disclose_parts()
    if country == "US" and national[:3] in _CALIFORNIA_AREA_CODES:
        return Jurisdiction.CCPA
    return None
