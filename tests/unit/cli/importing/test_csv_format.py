"""CSV rows: what is asked, and that every other byte stays."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from phone_vault.cli.importing.rows import Blank, Rejected, Row
from phone_vault.cli.problem import Problem
from tests.unit.cli.importing.files import NUMBER_AND_SUBJECT, csv_format, rows_of

NUMBER = "+447400123456"


def test_columns_are_found_in_any_order(tmp_path: Path) -> None:
    [row] = rows_of(csv_format(tmp_path, f"x,phone,id\n1,{NUMBER},c-1\n".encode()))
    assert row.request == {"number": NUMBER, "subject_id": "c-1"}


@pytest.mark.parametrize(
    "line",
    [
        b'"a ""b"", c",#,c-1\r\n',
        b"'quoted',#,c-1\n",
        b'"two\nlines",#,c-1\n',
        b"\xc3\xa9,#,c-1",
        b'"",#,"c-1"\n',
        b"  spaces  ,#, c-1 \n",
    ],
)
def test_all_bytes_but_the_numbers_stay(line: bytes, tmp_path: Path) -> None:
    content = b"x,phone,id\n" + line.replace(b"#", NUMBER.encode())
    [row] = rows_of(csv_format(tmp_path, content))
    assert row.before + b"#" + row.after == line
    assert row.request["subject_id"] == "c-1"


def test_a_quoted_number_is_replaced_with_its_quotes(tmp_path: Path) -> None:
    [row] = rows_of(csv_format(tmp_path, f'phone,id\n"{NUMBER}",c-1\n'.encode()))
    assert (row.before, row.after) == (b"", b",c-1\n")


def test_a_byte_order_mark_stays_and_is_no_part_of_a_name(tmp_path: Path) -> None:
    file_format = csv_format(tmp_path, b"\xef\xbb\xbfphone,id\n07400,c-1\n")
    assert file_format.preamble == b"\xef\xbb\xbfphone,id\n"
    assert isinstance(rows_of(file_format)[0], Row)


def test_names_of_columns_may_be_quoted_and_hold_line_breaks(tmp_path: Path) -> None:
    fields = replace(NUMBER_AND_SUBJECT, number="the\nphone")
    file_format = csv_format(tmp_path, b'"the\nphone","id"\n1,c-1\n', fields=fields)
    assert file_format.first_line == 3
    assert rows_of(file_format)[0].request["number"] == "1"


def test_another_encoding_is_read_and_kept(tmp_path: Path) -> None:
    fields = replace(NUMBER_AND_SUBJECT, number="numéro")
    [row] = rows_of(csv_format(tmp_path, "numéro,id,x\n1,c-1,é\n".encode("cp1252"), fields=fields, encoding="cp1252"))
    assert row.after == b",c-1,\xe9\n"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter(delimiter: str, tmp_path: Path) -> None:
    content = f"id{delimiter}phone\nc-1{delimiter}1,2\n".encode()
    [row] = rows_of(csv_format(tmp_path, content, delimiter=delimiter))
    assert row.request["number"] == "1,2"


def test_a_blank_line_is_kept(tmp_path: Path) -> None:
    assert rows_of(csv_format(tmp_path, b"phone,id\n\r\n1,c-1\n"))[0] == Blank(b"\r\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,c-1,x\n", "3 fields where the header has 2"),
        (b"1\n", "1 fields where the header has 2"),
        (b'"1"2,c-1\n', "text behind a closing quote"),
        (b"1,c\0-1\n", "holds a NUL byte"),
        (b'1,"c-1\n', "a quote is never closed: everything from here to the end of the file is one field"),
        (b"1" * (1 << 20) + b",c-1\n", "longer than 1 MiB"),
        (b",c-1\n", "the number is missing"),
        (b"1, \n", "the subject is missing"),
    ],
)
def test_what_is_no_row_has_a_reason(line: bytes, reason: str, tmp_path: Path) -> None:
    assert rows_of(csv_format(tmp_path, b"phone,id\n" + line)) == [reason]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"phone,phone,id\n", "two columns of .* have the same name"),
        (b"phone, phone ,id\n", "two columns of .* have the same name"),
        (b"number,id\n", "no column 'phone' among the 2"),
        (b"phone;id\n", "another delimiter"),
        (b'"phone"x,id\n', "the header of .* cannot be read"),
        (b"\xef\xbb\xbf", "empty but for a byte order mark"),
        (b'"phone,id\n1,2\n', "the header of .* cannot be read"),
    ],
)
def test_a_header_that_does_not_do_is_a_problem(content: bytes, what: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=what):
        csv_format(tmp_path, content)


def test_a_problem_of_the_header_does_not_show_it(tmp_path: Path) -> None:
    with pytest.raises(Problem) as problem:
        csv_format(tmp_path, f"{NUMBER},c-1\n".encode())
    assert NUMBER[3:] not in str(problem.value)


def test_a_header_of_very_many_columns_is_read_in_no_time(tmp_path: Path) -> None:
    header = b"phone,id," + b",".join(b"c%d" % number for number in range(100_000))
    started = time.process_time()
    csv_format(tmp_path, header + b"\n")
    assert time.process_time() - started < 5  # looked for one by one, minutes


def test_nameless_columns_are_columns(tmp_path: Path) -> None:
    assert isinstance(rows_of(csv_format(tmp_path, b"phone,id,,\n1,c-1,,\n"))[0], Row)


@pytest.mark.parametrize("cell", ["=1+1", "+x", "@x", "-x", "-1+cmd", '"\t=1"', '"=a"'])
def test_cells_that_a_spreadsheet_takes_for_formulas_are_counted_and_kept(cell: str, tmp_path: Path) -> None:
    [row] = rows_of(csv_format(tmp_path, f"phone,id,x\n1,c-1,{cell}\n".encode()))
    assert row.looks_like_formula
    assert row.after == f",c-1,{cell}\n".encode()


@pytest.mark.parametrize("cell", ["-5", "-5.2", "x=1", ""])
def test_other_cells_are_no_formulas(cell: str, tmp_path: Path) -> None:
    [row] = rows_of(csv_format(tmp_path, f"phone,id,x\n{NUMBER},c-1,{cell}\n".encode()))
    assert not row.looks_like_formula


def test_a_reject_is_a_line_and_a_reason(tmp_path: Path) -> None:
    file_format = csv_format(tmp_path, b"phone,id\n")
    assert file_format.reject_header() == b"line,reason\r\n"
    assert file_format.reject(Rejected(7, "x", 'a, "b"')) == b'7,"a, ""b"""\r\n'
