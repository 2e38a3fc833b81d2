"""The digits of a text, of whatever script, as 0 to 9."""

import unicodedata


def digits_of(text: str) -> str:
    """`+44 7400` becomes `447400`; Arabic, fullwidth and superscript digits count."""
    return "".join(str(unicodedata.digit(character)) for character in text if character.isdigit())
