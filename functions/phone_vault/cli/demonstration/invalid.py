"""Texts that are not valid phone numbers, a few of each kind, and what the vault has to say of them."""

from dataclasses import dataclass

from phone_vault.cli.demonstration.spellings import Spelling


@dataclass(frozen=True, slots=True)
class Invalid:
    """What was typed, and the `detail` of the problem that has to come back."""

    spelling: Spelling
    detail: str


_TYPED: dict[str, tuple[str, tuple[Spelling | str, ...]]] = {
    "too short": ("too short", ("+44 740", "+1 201 55", "+49 1")),
    "too long": ("too long", ("+44 7400 123456 789012", "+1 201 555 0123 4567")),
    "area code missing": ("too short: the area code is missing", ("+1 555 0123",)),
    "unassigned": ("not a range that its country has assigned", ("+44 7700 900123", "+1 000 555 0123")),
    "no such calling code": ("no such country calling code", ("+999 20 1234 5678", "+210 123 4567")),
    "no region": ("not international, and no region is given", ("07400 123456", "(201) 555-0123")),
    "letters": ("letters and extensions are not taken", ("+1 800 FLOWERS", "+44 7400 I23456")),
    "extension": ("letters and extensions are not taken", ("+44 7400 123456 ext. 89", "+1 201-555-0123 x7")),
    "URI with parameters": ("holds a character that no phone number has", ("tel:+44-7400-123456;ext=89",)),
    "digits of another script": (
        "digits other than 0 to 9 are not taken",
        ("+44 \u0667\u0664\u0660\u0660 123456", "+44 \uff17400 123456"),
    ),
    "control characters": ("control characters are not taken", ("+44 7400\t123456", "+44 7400 123456\x00")),
    "no number at all": ("not a number", (Spelling("", "---", "GB"), Spelling("", "", "GB"))),
}


def all_invalid() -> list[Invalid]:
    """Each kind's texts; the spelling's style is the kind."""
    return [
        Invalid(
            Spelling(kind, typed, None) if isinstance(typed, str) else Spelling(kind, typed.text, typed.region), detail
        )
        for kind, (detail, texts) in _TYPED.items()
        for typed in texts
    ]
