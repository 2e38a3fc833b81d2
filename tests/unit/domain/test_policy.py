"""Who may do what."""

import pytest

from phone_vault.domain.callers import UNKNOWN, Authentication, Caller, direct_caller
from phone_vault.domain.errors import PrincipalNotPermitted, PurposeNotRegistered
from phone_vault.domain.jurisdiction import Jurisdiction
from phone_vault.domain.policy import (
    Demand,
    LawfulBasis,
    Principal,
    Purpose,
    RetentionRule,
    RetentionStart,
    RotationPeriods,
    VaultPolicy,
    View,
)

EVERYTHING = frozenset({"*"})
DEMAND = Demand("Reveal", "acme", ("delivery",), View.FULL)


def principal(
    match: str,
    *,
    functions: frozenset[str] = EVERYTHING,
    tenants: frozenset[str] = EVERYTHING,
    purposes: frozenset[str] = EVERYTHING,
    views: frozenset[View] = frozenset(View),
) -> Principal:
    """Everything, unless said otherwise."""
    return Principal(match, tenants, functions, purposes, views)


def policy(*principals: Principal) -> VaultPolicy:
    """Two purposes and these principals."""
    rule = RetentionRule(30, RetentionStart.CREATED)
    purposes = {name: Purpose(name, LawfulBasis.CONTRACT, rule) for name in ("delivery", "security")}
    return VaultPolicy(purposes, principals, {}, RotationPeriods())


def test_a_caller_whom_the_policy_covers_is_permitted() -> None:
    allowed = principal(
        "direct",
        functions=frozenset({"Reveal"}),
        tenants=frozenset({"acme"}),
        purposes=frozenset({"delivery"}),
        views=frozenset({View.FULL}),
    )
    assert policy(allowed).authorize(direct_caller(None), DEMAND) == allowed


@pytest.mark.parametrize(
    ("lacking", "what"),
    [
        (principal("direct", functions=frozenset({"Verify"})), "function"),
        (principal("direct", tenants=frozenset({"other"})), "tenant"),
        (principal("direct", purposes=frozenset({"security"})), "purpose"),
        (principal("direct", views=frozenset({View.MASKED})), "view"),
        (principal("direct", functions=frozenset()), "function"),
        (principal("direct", tenants=frozenset()), "tenant"),
        (principal("direct", purposes=frozenset()), "purpose"),
        (principal("direct", views=frozenset()), "view"),
    ],
    ids=lambda value: value if isinstance(value, str) else "other-or-none",
)
def test_the_right_that_is_missing_is_named(lacking: Principal, what: str) -> None:
    with pytest.raises(PrincipalNotPermitted, match=what):
        policy(lacking).authorize(direct_caller(None), DEMAND)


def test_rights_are_checked_in_the_order_function_tenant_purpose_view() -> None:
    nothing = principal("direct", functions=frozenset(), tenants=frozenset(), purposes=frozenset(), views=frozenset())
    with pytest.raises(PrincipalNotPermitted, match="function"):
        policy(nothing).authorize(direct_caller(None), DEMAND)


def test_the_first_match_wins_even_if_a_later_one_permits_more() -> None:
    rules = policy(principal("direct", functions=frozenset({"Verify"})), principal("direct"))
    with pytest.raises(PrincipalNotPermitted):
        rules.authorize(direct_caller(None), DEMAND)


def test_the_first_match_wins_even_if_a_later_one_permits_less() -> None:
    policy(principal("direct"), principal("direct", functions=frozenset())).authorize(direct_caller(None), DEMAND)


def test_a_caller_without_an_entry_is_refused() -> None:
    with pytest.raises(PrincipalNotPermitted, match="no entry"):
        policy(principal("direct:billing")).authorize(direct_caller(None), DEMAND)


def test_an_entry_for_direct_does_not_cover_an_alias() -> None:
    with pytest.raises(PrincipalNotPermitted, match="no entry"):
        policy(principal("direct")).authorize(direct_caller("billing"), DEMAND)


def test_nobody_is_matched_by_no_entry() -> None:
    with pytest.raises(PrincipalNotPermitted, match="no entry"):
        policy(principal("direct"), principal("group:support")).authorize(UNKNOWN, DEMAND)


def test_an_entry_s_match_is_not_a_pattern() -> None:
    with pytest.raises(PrincipalNotPermitted, match="no entry"):
        policy(principal("*"), principal("direct:*")).authorize(direct_caller("billing"), DEMAND)


def test_of_several_groups_the_policy_s_first_decides() -> None:
    person = Caller(("group:support", "group:privacy"), Authentication.JWT)
    rules = policy(principal("group:privacy", views=frozenset({View.MASKED})), principal("group:support"))
    with pytest.raises(PrincipalNotPermitted, match="view"):
        rules.authorize(person, DEMAND)


def test_every_purpose_of_a_request_must_be_covered() -> None:
    rules = policy(principal("direct", purposes=frozenset({"delivery"})))
    with pytest.raises(PrincipalNotPermitted, match="purpose"):
        rules.authorize(direct_caller(None), Demand("Protect", "acme", ("delivery", "security")))


def test_a_request_without_a_view_needs_none() -> None:
    rules = policy(principal("direct", views=frozenset()))
    rules.authorize(direct_caller(None), Demand("Verify", "acme", ("delivery",)))


def test_the_full_view_does_not_include_the_masked_one() -> None:
    rules = policy(principal("direct", views=frozenset({View.FULL})))
    with pytest.raises(PrincipalNotPermitted, match="view"):
        rules.authorize(direct_caller(None), Demand("Reveal", "acme", ("delivery",), View.MASKED))


def test_a_purpose_that_is_not_registered_is_refused_without_its_name() -> None:
    with pytest.raises(PurposeNotRegistered) as refusal:
        policy().purpose("party_invitations")
    assert "party" not in str(refusal.value)


def test_the_strictest_of_several_jurisdictions_rules() -> None:
    days = {Jurisdiction.GDPR: 60, Jurisdiction.CCPA: 40}
    rule = RetentionRule(90, RetentionStart.CREATED)
    purpose = Purpose("delivery", LawfulBasis.CONTRACT, rule, days)
    assert purpose.rule_under([Jurisdiction.GDPR, Jurisdiction.CCPA, Jurisdiction.OTHER]).days == 40


def test_a_jurisdiction_may_be_laxer_than_the_purpose_s_own_days() -> None:
    rule = RetentionRule(90, RetentionStart.CREATED)
    purpose = Purpose("delivery", LawfulBasis.CONTRACT, rule, {Jurisdiction.OTHER: 120})
    assert purpose.rule_under([Jurisdiction.OTHER]).days == 120
