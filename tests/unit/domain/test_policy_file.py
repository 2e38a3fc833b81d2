"""The policy as written: checked whole, every fault with its path."""

import copy
import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import (
    LawfulBasis,
    RetentionRule,
    RetentionStart,
    RotationPeriods,
    Tenant,
    View,
    Wrapping,
)
from phone_vault.domain.policy_file import PolicyFaults, parse
from phone_vault.settings import SHIPPED_POLICY, read_policy
from tests.unit.samples import cases

CONTRACT_EXAMPLE = """
version = 1
mask = {visible_suffix = 4}
tombstone_days = 90
circuit_breaker = 0.2            # share of a tenant's numbers that one purge may destroy unattended
branch_key_cache_seconds = 300
default_jurisdiction = "GDPR"    # inference from the number's region only ever adds a stricter one
rotation = {branch_days = 90, index_days = 365}

[purposes.account_security]
lawful_basis = "contract"        # consent, contract, legal_obligation, vital_interests, ...
retention = {days = 90, from = "last_used"}        # from: created, last_used, consent

[purposes.marketing_sms]
lawful_basis = "consent"         # protecting for it needs a consent; withdrawing ends it at once
direct_marketing = true
retention = {days = 730, from = "consent", jurisdictions = {GDPR = 365}}

[tenants.acme]
wrapping = "direct"              # default: branch; also: kms_key, index = false

[[principals]]                   # first match wins; no match: refused
match = "arn:aws:iam::123456789012:role/otp-sender"   # role; group:NAME (Cognito); direct:ALIAS; direct
recipient = "SMS provider"       # category shown in exports
tenants = ["*"]
functions = ["Reveal", "Verify"]
purposes = ["account_security"]
views = ["full"]
quotas = {Reveal = 1000}         # per hour and principal; misses count

[[principals]]
match = "direct"
tenants = ["*"]
functions = ["*"]
purposes = ["*"]
views = ["full", "masked"]
"""
DOCUMENT: Mapping[str, Any] = tomllib.loads(CONTRACT_EXAMPLE)
SMALLEST: Mapping[str, Any] = {
    "purposes": {"delivery": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}}}
}
ABSENT = object()

# What is put where (dots between keys, as in the path that the fault has to begin with).
FAULTS: dict[str, tuple[str, object]] = {
    "version-of-the-future": ("version", 2),
    "version-as-text": ("version", "1"),
    "version-true": ("version", True),
    "mask-no-table": ("mask", 4),
    "suffix-negative": ("mask.visible_suffix", -1),
    "suffix-too-large": ("mask.visible_suffix", 16),
    "suffix-fraction": ("mask.visible_suffix", 4.0),
    "suffix-true": ("mask.visible_suffix", True),
    "mask-unknown": ("mask.visible_prefix", 2),
    "tombstone-zero": ("tombstone_days", 0),
    "tombstone-endless": ("tombstone_days", 36_501),
    "circuit-breaker-zero": ("circuit_breaker", 0),
    "circuit-breaker-above-one": ("circuit_breaker", 1.01),
    "circuit-breaker-not-a-number": ("circuit_breaker", float("nan")),
    "circuit-breaker-infinite": ("circuit_breaker", float("inf")),
    "circuit-breaker-true": ("circuit_breaker", True),
    "cache-negative": ("branch_key_cache_seconds", -1),
    "cache-over-a-day": ("branch_key_cache_seconds", 86_401),
    "mismatches-zero": ("verify_mismatches_per_token", 0),
    "jurisdiction-unknown": ("default_jurisdiction", "LGPD"),
    "jurisdiction-list": ("default_jurisdiction", ["GDPR"]),
    "rotation-zero": ("rotation.branch_days", 0),
    "rotation-as-text": ("rotation.index_days", "365"),
    "rotation-unknown": ("rotation.subject_days", 5),
    "unknown": ("retention", {}),
    "unknown-misspelt": ("tombstone_day", 90),
    "purposes-list": ("purposes", []),
    "purpose-no-table": ("purposes.account_security", 7),
    "purpose-in-capitals": ("purposes.Delivery", SMALLEST["purposes"]["delivery"]),
    "purpose-reserved": ("purposes.legal_hold", SMALLEST["purposes"]["delivery"]),
    "basis-missing": ("purposes.account_security.lawful_basis", ABSENT),
    "basis-unknown": ("purposes.account_security.lawful_basis", "because"),
    "basis-table": ("purposes.account_security.lawful_basis", {}),
    "marketing-as-text": ("purposes.marketing_sms.direct_marketing", "true"),
    "purpose-unknown": ("purposes.account_security.basis", "contract"),
    "days-missing": ("purposes.account_security.retention.days", ABSENT),
    "days-zero": ("purposes.account_security.retention.days", 0),
    "days-fraction": ("purposes.account_security.retention.days", 1.5),
    "from-missing": ("purposes.account_security.retention.from", ABSENT),
    "from-unknown": ("purposes.account_security.retention.from", "birth"),
    "from-consent-without-consent": ("purposes.account_security.retention.from", "consent"),
    "retention-unknown": ("purposes.account_security.retention.weeks", 4),
    "jurisdictions-unknown": ("purposes.marketing_sms.retention.jurisdictions.LGPD", 4),
    "jurisdictions-zero": ("purposes.marketing_sms.retention.jurisdictions.GDPR", 0),
    "tenants-list": ("tenants", ["acme"]),
    "tenant-alphabet": ("tenants.a b", {}),
    "tenant-no-table": ("tenants.acme", "direct"),
    "wrapping-unknown": ("tenants.acme.wrapping", "none"),
    "kms-key-no-arn": ("tenants.acme.kms_key", "alias/mine"),
    "kms-key-number": ("tenants.acme.kms_key", 7),
    "index-as-text": ("tenants.acme.index", "no"),
    "tenant-unknown": ("tenants.acme.region", "eu-west-1"),
    "principals-table": ("principals", {}),
    "principal-no-table": ("principals.0", "direct"),
    "match-missing": ("principals.0.match", ABSENT),
    "match-everybody": ("principals.0.match", "*"),
    "match-with-path": ("principals.0.match", "arn:aws:iam::123456789012:role/team/otp-sender"),
    "match-assumed-role": ("principals.0.match", "arn:aws:sts::123456789012:assumed-role/otp-sender/s"),
    "match-http-alias": ("principals.0.match", "direct:http"),
    "match-empty-alias": ("principals.0.match", "direct:"),
    "match-latest": ("principals.0.match", "direct:$LATEST"),
    "match-empty-group": ("principals.0.match", "group:"),
    "match-number": ("principals.0.match", 7),
    "recipient-empty": ("principals.0.recipient", ""),
    "recipient-number": ("principals.0.recipient", 7),
    "tenants-as-text": ("principals.0.tenants", "*"),
    "tenants-of-numbers": ("principals.0.tenants", [7]),
    "tenants-alphabet": ("principals.0.tenants.0", "a b"),
    "functions-unknown": ("principals.0.functions.1", "Destroy"),
    "functions-lower-case": ("principals.0.functions.0", "reveal"),
    "purposes-unregistered": ("principals.0.purposes.0", "party"),
    "views-unknown": ("principals.0.views.0", "half"),
    "quotas-list": ("principals.0.quotas", []),
    "quota-unknown": ("principals.0.quotas.Destroy", 5),
    "quota-zero": ("principals.0.quotas.Reveal", 0),
    "break-glass-as-text": ("principals.0.break_glass", "yes"),
    "break-glass-number": ("principals.0.break_glass", 1),
    "principal-unknown": ("principals.1.allow", True),
    "date": ("tombstone_days", date(2026, 1, 1)),
}


def with_value(path: str, value: object) -> dict[str, Any]:
    """The contract's example with one thing changed."""
    document = copy.deepcopy(dict(DOCUMENT))
    *way, last = path.split(".")
    place: Any = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if value is ABSENT:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return document


def faults_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with it."""
    with pytest.raises(PolicyFaults) as found:
        parse(document)
    return tuple(map(str, found.value.faults))


def written(path: str) -> str:
    """A path as faults write it: list positions in brackets."""
    return "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in path.split(".")).removeprefix(".")


@pytest.mark.parametrize("fault", cases(FAULTS))
def test_a_fault_is_reported_by_its_path(fault: tuple[str, object]) -> None:
    path, value = fault
    assert [each for each in faults_of(with_value(path, value)) if each.startswith(f"{written(path)}: ")]


def test_one_fault_is_reported_once() -> None:
    assert faults_of(with_value("mask.visible_suffix", 16)) == (
        "mask.visible_suffix: must be a whole number from 0 to 15",
    )


def test_all_faults_are_reported_at_once() -> None:
    document = with_value("mask.visible_suffix", 16) | {"version": 2, "colour": "red"}
    assert [fault.partition(":")[0] for fault in faults_of(document)] == ["version", "mask.visible_suffix", "colour"]


def test_the_message_has_every_fault() -> None:
    with pytest.raises(PolicyFaults, match=r"(?s)version: .*colour: "):
        parse(dict(DOCUMENT) | {"version": 2, "colour": "red"})


@pytest.mark.parametrize("document", cases({"list": [], "text": "version = 1", "nothing": None, "number-keys": {1: 2}}))
def test_what_is_no_table_is_a_fault_of_the_policy(document: Any) -> None:
    assert faults_of(document)[0] == "policy: must be a table"


def test_a_policy_without_purposes_is_refused() -> None:
    assert faults_of({"version": 1}) == ("purposes: must name at least one purpose",)


def test_the_contract_s_example_has_its_purposes() -> None:
    marketing = parse(DOCUMENT).purposes["marketing_sms"]
    assert marketing.lawful_basis is LawfulBasis.CONSENT
    assert marketing.retention == RetentionRule(730, RetentionStart.CONSENT)
    assert marketing.retention_days_by_jurisdiction == {Jurisdiction.GDPR: 365}
    assert marketing.direct_marketing


def test_the_contract_s_example_has_its_principals_in_order() -> None:
    sender, direct = parse(DOCUMENT).principals
    assert (sender.match, direct.match) == ("arn:aws:iam::123456789012:role/otp-sender", "direct")
    assert sender.functions == {"Reveal", "Verify"}
    assert sender.views == {View.FULL}
    assert sender.quotas == {"Reveal": 1000}
    assert sender.recipient == "SMS provider"


def test_the_contract_s_example_has_its_tenant() -> None:
    assert parse(DOCUMENT).tenants == {"acme": Tenant(wrapping=Wrapping.DIRECT)}


def test_the_smallest_policy_has_the_contract_s_defaults() -> None:
    policy = parse(SMALLEST)
    assert (policy.visible_suffix, policy.tombstone_days, policy.circuit_breaker) == (4, 90, 0.2)
    assert (policy.branch_key_cache_seconds, policy.verify_mismatches_per_token) == (300, 20)
    assert policy.default_jurisdiction is Jurisdiction.GDPR
    assert policy.rotation == RotationPeriods(branch_days=90, index_days=365)
    assert not policy.purposes["delivery"].direct_marketing


def test_the_smallest_policy_permits_nobody() -> None:
    assert parse(SMALLEST).principals == ()


def test_a_principal_without_rights_has_none() -> None:
    (nobody,) = parse({**SMALLEST, "principals": [{"match": "direct"}]}).principals
    assert not (nobody.functions | nobody.tenants | nobody.purposes | nobody.views)


def test_a_star_among_the_views_is_both() -> None:
    (anyone,) = parse({**SMALLEST, "principals": [{"match": "direct", "views": ["*"]}]}).principals
    assert anyone.views == {View.FULL, View.MASKED}


@pytest.mark.parametrize("visible_suffix", range(16))
def test_every_suffix_up_to_fifteen_can_be_set(visible_suffix: int) -> None:
    assert parse({**SMALLEST, "mask": {"visible_suffix": visible_suffix}}).visible_suffix == visible_suffix


@pytest.mark.parametrize(
    "match",
    ["arn:aws-us-gov:iam::123456789012:role/a+b=c,d.e@f-_", "group:support", "direct", "direct:billing_2"],
)
def test_a_principal_may_be_a_role_a_group_an_alias_or_direct(match: str) -> None:
    assert parse({**SMALLEST, "principals": [{"match": match}]}).principals[0].match == match


def test_the_policy_that_ships_is_valid() -> None:
    assert "account_security" in read_policy(SHIPPED_POLICY).purposes
