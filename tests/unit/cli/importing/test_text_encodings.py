"""Encodings in which an ASCII byte is that character, whatever stands before it."""

import encodings.aliases
import itertools

import pytest

from phone_vault.cli.importing.text_encodings import readable_encoding

TAKEN = sorted({name for name in map(readable_encoding, encodings.aliases.aliases.values()) if name})


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "latin-1", "cp1252", "iso-8859-15", "koi8-r", "ascii", "euc-jp"])
def test_encodings_that_are_read(name: str) -> None:
    assert readable_encoding(name) in TAKEN


@pytest.mark.parametrize(
    "name",
    [
        *("utf-16", "utf-32", "utf-7", "shift_jis", "gb18030", "gbk", "big5", "cp932", "johab", "cp037", "cp864"),
        *("iso2022_jp", "iso2022_jp_2004", "iso2022_kr", "hz", "unicode_escape", "raw_unicode_escape", "punycode"),
        *("idna", "charmap", "undefined", "none-such", "rot13", "hex", "", "a\0b", "../os"),
    ],
)
def test_encodings_that_are_not(name: str) -> None:
    assert readable_encoding(name) is None


def test_the_byte_order_mark_is_the_files_and_not_the_encodings() -> None:
    assert readable_encoding("utf-8-sig") == readable_encoding("utf_8_sig") == "utf-8"


@pytest.mark.parametrize("name", TAKEN)
def test_ascii_is_ascii_whatever_stands_before_it(name: str) -> None:
    plain = bytes(range(128)).decode("ascii")
    assert plain.encode().decode(name) == plain
    for pair in itertools.product(b"\x0e\x1b+~\\\x81\x8e\x8f\xa4\xb0\xc8\xfe", range(256)):
        try:
            before = bytes(pair).decode(name)
        except UnicodeDecodeError:
            continue
        assert (bytes(pair) + b'",A').decode(name) == before + '",A'
