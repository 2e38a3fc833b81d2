"""JSON Lines: what is asked, and that every other byte stays."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from phone_vault.cli.importing.rows import Blank, Rejected
from tests.unit.cli.importing.files import NUMBER_AND_SUBJECT, json_format, rows_of


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":"c-1","phone":"#"}\n',
        b' { "phone" : "#" , "id" : "c-1" , "x" : {"phone": [1, {"y": null}]} } \r\n',
        b'{"price": 1.10000000000000000001, "big": 1e400, "phone": "#", "id": "c-1", "\\u0065": "\\u00e9"}',
        b'{"\xc3\xa9": "\xf0\x9f\x93\x9e", "phone": "#", "id": "c-1"}\n',
    ],
)
def test_all_bytes_but_the_numbers_stay(line: bytes, tmp_path: Path) -> None:
    [row] = rows_of(json_format(tmp_path, line.replace(b"#", b"+1\\u0020201")))
    assert row.before + b"#" + row.after == line
    assert row.request == {"number": "+1 201", "subject_id": "c-1"}


@pytest.mark.parametrize("encoding", ["cp1252", "euc_kr"])
def test_in_another_encoding_too(encoding: str, tmp_path: Path) -> None:
    word = {"cp1252": "é€", "euc_kr": "가각"}[encoding]
    line = f'{{"{word}": "{word}", "id": "c-1", "phone": "#", "x": "{word}"}}\n'.encode(encoding)
    fields = replace(NUMBER_AND_SUBJECT, region=word)
    [row] = rows_of(json_format(tmp_path, line, fields=fields, encoding=encoding))
    assert row.before + b"#" + row.after == line
    assert row.request["region"] == word


def test_a_whole_number_is_read_as_it_is_written(tmp_path: Path) -> None:
    [row] = rows_of(json_format(tmp_path, b'{"phone": 447400123456, "id": 7}\n'))
    assert row.request == {"number": "447400123456", "subject_id": "7"}
    assert json.loads(row.before + b"tok" + row.after)["phone"] == "tok"


def test_purposes_may_be_a_list(tmp_path: Path) -> None:
    fields = replace(NUMBER_AND_SUBJECT, purposes="for")
    [row] = rows_of(json_format(tmp_path, b'{"phone": "1", "id": "c", "for": ["a", "b"]}', fields=fields))
    assert row.request["purposes"] == {"a": {}, "b": {}}


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    file_format = json_format(tmp_path, b'\xef\xbb\xbf{"phone": "1", "id": "c"}\n')
    assert file_format.preamble == b"\xef\xbb\xbf"
    assert rows_of(file_format)[0].request["number"] == "1"


def test_a_blank_line_is_kept(tmp_path: Path) -> None:
    assert rows_of(json_format(tmp_path, b"\n")) == [Blank(b"\n")]


@pytest.mark.parametrize(
    "line",
    [
        b"[]", b"{", b'{"phone"}', b'{"phone":}', b'{"phone": "1"', b'{"phone": "1",}', b'{"phone": "1"} x', b"7",
        b'{"phone": "1\0"}', b"[" * 100_000, b'{"a":' * 100_000, b"{1: 2}",
    ],
)  # fmt: skip
def test_what_is_no_object_is_no_row(line: bytes, tmp_path: Path) -> None:
    assert rows_of(json_format(tmp_path, line)) == ["not a JSON object"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "c"}', "the number is missing"),
        (b'{"phone": null, "id": "c"}', "the number is missing"),
        (b"{}", "the number is missing"),
        (b'{"phone": true, "id": "c"}', "a field is neither text nor a whole number"),
        (b'{"phone": 1.5, "id": "c"}', "a field is neither text nor a whole number"),
        (b'{"phone": {}, "id": "c"}', "a field is neither text nor a whole number"),
        (b'{"phone": "1", "phone": "2", "id": "c"}', "an object has two members of one name"),
        (b'{"phone": "1", "id": "' + b"x" * (1 << 20) + b'"}', "longer than 1 MiB"),
    ],
)
def test_what_is_no_row_has_a_reason(line: bytes, reason: str, tmp_path: Path) -> None:
    assert rows_of(json_format(tmp_path, line)) == [reason]


def test_a_reject_is_an_object(tmp_path: Path) -> None:
    line = json_format(tmp_path, b"{}").reject(Rejected(7, "x", "why"))
    assert json.loads(line) == {"line": 7, "reason": "why"}
