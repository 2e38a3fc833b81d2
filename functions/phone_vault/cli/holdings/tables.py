"""The report for people."""

from datetime import timedelta

from phone_vault.cli.console import Console
from phone_vault.cli.holdings import retention
from phone_vault.cli.holdings.report import Report
from phone_vault.cli.policy.words import counted
from phone_vault.cli.printable import printable
from phone_vault.cli.table import Cell, table
from phone_vault.domain.inventory import Kind
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.moments import to_text
from phone_vault.services.status import KeyStatus, State

_NAMES = {Kind.STORED_NUMBER: "stored numbers", Kind.MESSAGE_KEY: "message keys"}
_COUNTED = [f"{_NAMES[kind]} live" if state is State.LIVE else "ended" for kind in Kind for state in State]
_UNKNOWN_PURPOSE = "not in the policy"


def show(report: Report, console: Console) -> None:
    """Tenants, purposes, wrapping, keys, caches."""
    console.say(f"Vault {report.vault.stack_name} on {report.vault.place}, at {to_text(report.at)}")
    console.say(f"Policy {printable(report.vault.policy_file)} ({report.vault.policy_origin})")
    _tenants(report, console)
    _purposes(report, console)
    retention.show(report, console)
    _wrapping(report, console)
    _keys(report, console)
    _censuses(report, console)
    console.section("Caches", "How long a change of keys takes to reach warm functions.")
    console.say(
        f"A warm function holds at most {report.key_cache_capacity:,} keys, none of them for longer than "
        f"{report.policy.branch_key_cache_seconds:,} s."
    )


def _tenants(report: Report, console: Console) -> None:
    console.section(
        "Tenants",
        "A record is live as long as one of its purposes is. Ended ones answer nobody; they stay stored until a purge.",
    )
    rows: list[list[Cell]] = [
        [
            name,
            tenant.settings.wrapping,
            _kms_key_of(tenant.settings.kms_key),
            "yes" if tenant.settings.index else "no",
            *(tenant.counts[kind].records[state] for kind in Kind for state in State),
        ]
        for name, tenant in sorted(report.status.tenants.items())
    ]
    totals = [report.records(kind)[state] for kind in Kind for state in State]
    if len(rows) > 1:
        rows.append(["all", "", "", "", *totals])
    table(console, ["tenant", "wrapping", "KMS key", "index", *_COUNTED], rows)
    for name, tenant in sorted(report.status.tenants.items()):
        if tenant.off_boarded_at is not None:
            since = to_text(tenant.off_boarded_at)
            console.say(f"{printable(name)} is off-boarded since {since}: it is refused everywhere, for good.")


def _purposes(report: Report, console: Console) -> None:
    console.section(
        "Purposes",
        "Of all tenants. A number that is kept for several purposes is counted for each; message keys have one.",
    )
    by_kind = {kind: report.by_purpose(kind) for kind in Kind}
    purposes = dict.fromkeys(purpose for counted in by_kind.values() for purpose in counted)
    rows: list[list[Cell]] = []
    for purpose in purposes:
        known = report.policy.purposes.get(purpose)
        counts = [by_kind[kind][purpose][state] if purpose in by_kind[kind] else 0 for kind in Kind for state in State]
        basis = known.lawful_basis.replace("_", " ") if known else _UNKNOWN_PURPOSE
        rows.append([purpose, basis, *counts])
    table(console, ["purpose", "lawful basis", *_COUNTED], rows)


def _wrapping(report: Report, console: Console) -> None:
    console.section(
        "Wrapping",
        "By which version of the tenant's branch key, or by KMS itself (direct), each record's own key is wrapped. "
        "What the policy has come to want otherwise is still read as it was wrapped.",
    )
    rows: list[list[Cell]] = []
    for name, tenant in sorted(report.status.tenants.items()):
        for kind, counts in tenant.counts.items():
            for wrapping, number in sorted(counts.by_wrapping.items()):
                fits = "yes" if tenant.wants(wrapping) else f"no: {tenant.settings.wrapping}"
                rows.append([name, _NAMES[kind], wrapping, number, fits])
    table(console, ["tenant", "what", "wrapped by", "records", "as the policy says"], rows)


def _keys(report: Report, console: Console) -> None:
    console.section(
        "Key versions",
        "Since when each is in its state, how long ago it was made, and how many records were still on it at the "
        "tenant's last census. The KMS key is what wraps it: the vault's Kek or Storage, or a tenant's own.",
    )
    owned = [(name, each) for name, tenant in sorted(report.status.tenants.items()) for each in tenant.keys]
    owned += [("(the vault)", each) for each in report.status.vault_keys]
    rows: list[list[Cell]] = [
        [
            owner,
            f"{each.key.key_id.use} {each.key.key_id.version}",
            f"{each.key.state}{' (compromised)' if each.key.compromised else ''}",
            f"{each.key.in_state_since:%Y-%m-%d}",
            f"{each.age.days:,} days",
            "" if each.records is None else each.records,
            f"{each.wrapped_by}{'' if each.as_policy_says else ', not as the policy says'}",
        ]
        for owner, each in sorted(owned, key=lambda pair: (pair[0], *_place(pair[1])))
    ]
    table(console, ["tenant", "key", "state", "since", "age", "records", "KMS key"], rows)


def _censuses(report: Report, console: Console) -> None:
    console.section(
        "Last census",
        "Counted by a Rotation. Out of reach are message keys that a compromised branch key wrapped: no rotation cures "
        "the messages that applications keep.",
    )
    rows: list[list[Cell]] = [
        [
            name,
            f"{census.begun_at:%Y-%m-%d}",
            in_words(report.at - census.begun_at),
            census.stored_numbers,
            census.message_keys,
            census.out_of_reach,
            census.unreadable,
        ]
        for name, census in ((name, tenant.census) for name, tenant in sorted(report.status.tenants.items()))
        if census is not None
    ]
    table(console, ["tenant", "begun", "age", "numbers", "message keys", "out of reach", "unreadable"], rows)


def in_words(age: timedelta) -> str:
    """In its largest unit."""
    if age.days:
        return counted(age.days, "day")
    minutes = age.seconds // 60
    return counted(minutes // 60, "hour") if minutes >= 60 else counted(minutes, "minute")


def _place(each: KeyStatus) -> tuple[int, int]:
    return list(KeyUse).index(each.key.key_id.use), each.key.key_id.version


def _kms_key_of(key: str | None) -> str:
    return key or "Kek"
