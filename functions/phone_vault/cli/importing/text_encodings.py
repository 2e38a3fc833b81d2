"""Encodings in which records are found undecoded: every byte below 128 is ASCII, whatever stands before it."""

import codecs
from importlib import import_module

UTF_8 = "utf-8"

# EUC: all bytes of a character of several are above 127, and there are no shifts.
_SEVERAL_BYTES = frozenset({UTF_8, "euc_jp", "euc_jis_2004", "euc_jisx0213", "euc_kr", "gb2312"})
_ASCII = bytes(range(128)).decode("ascii")


def readable_encoding(name: str) -> str | None:
    """Python's name for it; None for one that is not taken.

    An allow rule, because those that do not do are of many kinds: escape sequences that shift (ISO 2022, HZ), ASCII
    that stands for other characters (UTF-7, `unicode_escape`) or is half of one (Shift JIS, GB 18030), other code
    pages.
    """
    try:
        canonical = codecs.lookup(name).name
    except (LookupError, ValueError, TypeError):
        return None
    if canonical == "utf-8-sig":
        return UTF_8  # a byte order mark is the file's, not each value's
    return canonical if canonical in _SEVERAL_BYTES or _is_a_table(canonical) else None


def _is_a_table(canonical: str) -> bool:
    """A character for each byte, the same one wherever it stands, and ASCII in the lower half."""
    if canonical == "ascii":
        return True
    try:
        table = getattr(import_module(f"encodings.{canonical.replace('-', '_')}"), "decoding_table", "")
    except (ImportError, ValueError):
        return False
    return isinstance(table, str) and table.startswith(_ASCII)
