"""`phone-vault import`: numbers from a file into the vault, tokens in their place."""

import argparse
from pathlib import Path
from string import punctuation
from typing import Any

from phone_vault.cli import aws
from phone_vault.cli.console import Terminal
from phone_vault.cli.importing import summary
from phone_vault.cli.importing.carry_out import carry_out
from phone_vault.cli.importing.fields import Fields
from phone_vault.cli.importing.place import Place
from phone_vault.cli.importing.task import Import, Report
from phone_vault.cli.importing.text_encodings import readable_encoding
from phone_vault.cli.output import print_json
from phone_vault.cli.problem import Problem, WrongUsage

_MOST_ITEMS = 100
_MOST_CONCURRENCY = 64
_DELIMITERS = {"\t", " ", *punctuation} - {*"\"'`_"}
"""Of a length of one. Letters, digits and underscores stand in tokens and names, quotes around fields."""
_KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

_ABOUT = """\
Protects the phone numbers of a CSV or JSON Lines file and writes the same file with tokens in their place; all other
bytes stay as they are. Rows that the vault refuses are left out and named in a rejects file by line number and reason.
Interrupted at any moment, the same command goes on where it was; a journal beside the output knows where, and by which
names the vault knows the rows again: without it, a tenant that keeps no index would store them twice. Without
--stack-name it is a trial on an embedded AWS.
"""
_EXAMPLES = """\
examples:
  phone-vault import people.csv --number-column phone --number-region GB \\
      --subject-column id --purpose account_security
  phone-vault import people.jsonl --number-column tel --subject-column id --purpose-column purposes \\
      --stack-name phone-vault --region eu-west-1

permissions for a stack: lambda:InvokeFunction on Protect (or its alias), cloudformation:DescribeStacks on the stack

exit code: 0, also when rows were rejected; 1 for a problem, after which the same command goes on; 2 for wrong usage
"""
_NUMBER_REGION = "region of numbers without a country code, such as GB (--region is the AWS region)"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command. `--region` keeps the AWS CLI's meaning, so the numbers' own is `--number-region`."""
    parser = commands.add_parser(
        "import",
        help="protect the numbers of a CSV or JSON Lines file",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="CSV with a header line, or JSON Lines")
    _add_fields(parser)
    _add_files(parser)
    _add_aws(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the summary")
    parser.set_defaults(run=run)


def _add_fields(parser: argparse.ArgumentParser) -> None:
    columns = parser.add_argument_group("columns, or fields of the JSON objects")
    columns.add_argument("--number-column", required=True, metavar="NAME", help="the phone number")
    region = columns.add_mutually_exclusive_group()
    region.add_argument("--number-region", metavar="REGION", help=_NUMBER_REGION)
    region.add_argument("--number-region-column", metavar="NAME", help="the same, row by row")
    subject = columns.add_mutually_exclusive_group(required=True)
    subject.add_argument("--subject-column", metavar="NAME", help="pseudonymous id of the data subject")
    subject.add_argument("--subject", metavar="ID", help="the same one for every row")
    purpose = columns.add_mutually_exclusive_group(required=True)
    purpose.add_argument("--purpose", metavar="NAME", action="append", help="a purpose of the policy; repeatable")
    purpose.add_argument("--purpose-column", metavar="NAME", help="purposes, between commas, semicolons or spaces")
    given_at = columns.add_mutually_exclusive_group()
    given_at.add_argument("--consent-given-at", metavar="TIME", help="RFC 3339 with Z")
    given_at.add_argument("--consent-given-at-column", metavar="NAME", help="the same, row by row")
    evidence = columns.add_mutually_exclusive_group()
    evidence.add_argument("--consent-evidence", metavar="TEXT", help="your reference to the proof")
    evidence.add_argument("--consent-evidence-column", metavar="NAME", help="the same, row by row")
    columns.add_argument(
        "--consent-for",
        metavar="PURPOSE",
        action="append",
        help="the purpose that rests on the consent; repeatable; without it, all of them",
    )
    columns.add_argument("--tenant", metavar="ID", help="tenant of every row")


def _add_files(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("files")
    files.add_argument("--output", metavar="FILE", type=Path, help="default: FILE with .tokens before its suffix")
    files.add_argument("--rejects", metavar="FILE", type=Path, help="default: FILE with .rejects before its suffix")
    files.add_argument("--format", choices=sorted(set(_KINDS.values())), help="default: by the file's suffix")
    files.add_argument(
        "--encoding", default="utf-8", help="UTF-8 (default), or another one that contains ASCII, such as cp1252"
    )
    files.add_argument("--delimiter", default=",", help='of CSV: one character, or "tab"; default: a comma')


def _add_aws(parser: argparse.ArgumentParser) -> None:
    group = aws.add_options(parser, "the vault's stack; without it, a trial on an embedded AWS")
    group.add_argument("--alias", metavar="NAME", help="the function's alias, by which the policy knows the caller")
    group.add_argument("--batch-size", metavar="N", type=int, default=_MOST_ITEMS, help="rows a request, 1 to 100")
    group.add_argument(
        "--concurrency", metavar="N", type=int, help="requests at a time, 1 to 64; default: 4, embedded 1"
    )


def run(arguments: argparse.Namespace) -> None:
    """Acts on the `LocalCloud` that is open in the process."""
    report = _import(_task(arguments), silent=arguments.json)
    if arguments.json:
        print_json({"ok": True, **summary.as_json(report)})
    else:
        summary.show(report, Terminal())


def _import(task: Import, *, silent: bool) -> Report:
    try:
        return carry_out(task, silent=silent)
    except KeyboardInterrupt:
        raise Problem("interrupted. Start the same command again, and it goes on.") from None


def _task(arguments: argparse.Namespace) -> Import:
    kind = arguments.format or _KINDS.get(arguments.file.suffix.lower())
    if kind is None:
        raise WrongUsage("the file's suffix does not tell its format: name it with --format")
    encoding = readable_encoding(arguments.encoding)
    if encoding is None:
        raise WrongUsage(
            "--encoding must be UTF-8 or another one that contains ASCII, such as cp1252; convert others with iconv"
        )
    fields = _fields(arguments)
    return Import(
        input=arguments.file,
        output=arguments.output or _beside(arguments.file, "tokens"),
        rejects=arguments.rejects or _beside(arguments.file, "rejects"),
        kind=kind,
        encoding=encoding,
        delimiter=_delimiter(arguments.delimiter),
        fields=fields,
        common=_common(arguments, fields),
        place=_place(arguments),
        batch_size=_within(arguments.batch_size, _MOST_ITEMS, "--batch-size"),
        concurrency=arguments.concurrency
        if arguments.concurrency is None
        else _within(arguments.concurrency, _MOST_CONCURRENCY, "--concurrency"),
    )


def _fields(arguments: argparse.Namespace) -> Fields:
    given_at = arguments.consent_given_at or arguments.consent_given_at_column
    evidence = arguments.consent_evidence or arguments.consent_evidence_column
    if bool(given_at) != bool(evidence):
        raise WrongUsage("a consent needs both, when it was given and its evidence")
    if arguments.consent_for and not given_at:
        raise WrongUsage("--consent-for needs a consent")
    return Fields(
        number=arguments.number_column,
        subject=arguments.subject_column,
        region=arguments.number_region_column,
        purposes=arguments.purpose_column,
        consent_given_at=arguments.consent_given_at_column,
        consent_evidence=arguments.consent_evidence_column,
        constant_purposes=tuple(arguments.purpose or ()),
        constant_given_at=arguments.consent_given_at,
        constant_evidence=arguments.consent_evidence,
        consent_for=tuple(sorted(set(arguments.consent_for or ()))),
    )


def _common(arguments: argparse.Namespace, fields: Fields) -> dict[str, Any]:
    common = {
        "tenant_id": arguments.tenant,
        "subject_id": arguments.subject,
        "region": arguments.number_region,
        "purposes": fields.common_purposes(),
    }
    return {name: value for name, value in common.items() if value is not None}


def _place(arguments: argparse.Namespace) -> Place:
    place = Place(aws.options_in(arguments), arguments.alias)
    if place.embedded and place.aws.name_an_aws():
        raise WrongUsage("--endpoint-url, --profile and --region need --stack-name")
    return place


def _delimiter(text: str) -> str:
    delimiter = "\t" if text == "tab" else text
    if delimiter not in _DELIMITERS:
        raise WrongUsage(
            '--delimiter must be one ASCII character that is no letter, digit, quote or underscore, or "tab"'
        )
    return delimiter


def _within(number: int, most: int, option: str) -> int:
    if not 1 <= number <= most:
        raise WrongUsage(f"{option} must be 1 to {most}")
    return number


def _beside(file: Path, what: str) -> Path:
    return file.with_name(f"{file.stem}.{what}{file.suffix}")
