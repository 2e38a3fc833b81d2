"""The principals of a policy in words: who may do what, and what nobody may."""

from collections.abc import Collection, Iterator, Sequence

from phone_vault.cli.policy.release import FOR_PRIVACY_TEAMS, FUNCTIONS
from phone_vault.cli.policy.words import Entry, Section, counted, listed
from phone_vault.domain.policy import EVERYTHING, Principal, VaultPolicy, View

_STORING = ("Protect", "Encrypt")
_SHOWING_IN_FULL = ("Reveal", "Decrypt")


def principals(policy: VaultPolicy) -> Section:
    """Entry by entry, in their order."""
    return Section(
        "Who may do what",
        "The entries are read from the top, and the first that matches the caller decides alone: what it does not name "
        "is refused, whatever a later entry says. Whoever matches none is refused everything.",
        tuple(
            Entry(f"{place}. {_who(principal.match)}", tuple(_sentences(place, principal, policy.principals)))
            for place, principal in enumerate(policy.principals, 1)
        ),
    )


def nobody(policy: VaultPolicy) -> Section:
    """What no caller may do, as far as this release could do it."""
    reached = [
        each for place, each in enumerate(policy.principals, 1) if _shadowed_by(place, policy.principals) is None
    ]
    closed = {
        "Functions that no entry permits": [
            each for each in FUNCTIONS if not any(_may_call(principal, each) for principal in reached)
        ],
        "Purposes for which nobody may store a number (Protect, Encrypt)": [
            each for each in policy.purposes if not any(_may_for(principal, _STORING, each) for principal in reached)
        ],
        "Purposes for which nobody may see a number in full (Reveal, Decrypt)": [
            each for each in policy.purposes if not any(_may_see(principal, each) for principal in reached)
        ],
        "Tenants whose numbers nobody may reach": [
            each for each in policy.tenants if not any(_may_reach(principal, each) for principal in reached)
        ],
    }
    entries = tuple(Entry(what, (f"{listed(names)}.",)) for what, names in closed.items() if names)
    outside = "Administrators of the AWS account are not bound by the policy."
    return Section(
        "What nobody may do",
        f"Of what this release can do. {outside}"
        if entries
        else f"Nothing: each function, purpose and tenant is permitted to somebody. {outside}",
        entries,
    )


def _who(match: str) -> str:
    kind, _, name = match.partition(":")
    if kind == "direct":
        return (
            f"the application that invokes by its alias {name} ({match})"
            if name
            else "whoever IAM lets invoke a function without an alias (direct)"
        )
    if kind == "group":
        return f"people of the Cognito group {name} ({match})"
    account, _, role = match.rpartition(":role/")
    return f"the IAM role {role} of account {account.rpartition(':')[2]} ({match})"


def _sentences(place: int, principal: Principal, entries: Sequence[Principal]) -> Iterator[str]:
    shadow = _shadowed_by(place, entries)
    if shadow is not None:
        yield f"NEVER REACHED: entry {shadow} matches the same caller, and comes first."
    elif not _may_anything(principal):
        yield "MAY DO NOTHING in this release: it lacks functions, purposes, tenants or views."
    if not principal.match.startswith("direct"):
        yield "Calls over the HTTP API, which this release does not have yet."
    yield f"Functions: {_all_or_listed(principal.functions, 'every function')}."
    absent = sorted(principal.functions - {*FUNCTIONS, EVERYTHING})
    if absent:
        yield f"Not in this release: {listed(absent)}."
    yield f"Purposes: {_all_or_listed(principal.purposes, 'every purpose')}."
    yield f"Tenants: {_all_or_listed(principal.tenants, 'every tenant')}."
    yield f"Sees numbers: {_views(principal.views)}."
    unbounded = [each for each in FOR_PRIVACY_TEAMS if _may_call(principal, each)]
    if unbounded:
        act, them = ("acts", "it") if len(unbounded) == 1 else ("act", "them")
        yield (
            f"{listed(unbounded)} {act} on whole numbers and on whole data subjects, whatever they are stored for: "
            f"neither purposes nor views bound {them}."
        )
    if principal.recipient is not None:
        yield f"Recipient: {principal.recipient}."
    if principal.quotas:
        limits = listed(f"{counted(limit, 'call')} of {each}" for each, limit in sorted(principal.quotas.items()))
        yield (
            f"Quota in an hour of the clock (UTC): {limits}, by all who match this entry together. What is not found "
            "counts too, and of a batch each item."
        )
    if principal.break_glass:
        yield (
            "BREAK-GLASS: these rights are for emergencies. Every request needs a reason, and each one, refused or "
            "not, raises an alarm and is marked in the audit trail."
        )


def _views(views: Collection[View]) -> str:
    if View.FULL in views:
        return "in full, or masked" if View.MASKED in views else "in full only; masked reveals are refused"
    return (
        "masked only; Decrypt is refused, because it answers in full"
        if views
        else "not at all; every Reveal is refused"
    )


def _all_or_listed(names: Collection[str], everything: str) -> str:
    if EVERYTHING in names:
        return everything
    return listed(sorted(names)) if names else "none"


def _names(granted: Collection[str], known: Collection[str]) -> Collection[str]:
    return known if EVERYTHING in granted else granted


def _shadowed_by(place: int, entries: Sequence[Principal]) -> int | None:
    match = entries[place - 1].match
    return next((earlier for earlier in range(1, place) if entries[earlier - 1].match == match), None)


def _may_anything(principal: Principal) -> bool:
    return any(_may_call(principal, function) for function in FUNCTIONS)


def _may_call(principal: Principal, function: str) -> bool:
    seen = {"Reveal": bool(principal.views), "Decrypt": View.FULL in principal.views}
    return (
        function in _names(principal.functions, FUNCTIONS)
        and bool(principal.tenants and (principal.purposes or function in FOR_PRIVACY_TEAMS))
        and seen.get(function, True)
    )


def _may_see(principal: Principal, purpose: str) -> bool:
    return View.FULL in principal.views and _may_for(principal, _SHOWING_IN_FULL, purpose)


def _may_reach(principal: Principal, tenant: str) -> bool:
    return tenant in _names(principal.tenants, [tenant]) and _may_anything(principal)


def _may_for(principal: Principal, functions: Collection[str], purpose: str) -> bool:
    return purpose in _names(principal.purposes, [purpose]) and any(_may_call(principal, each) for each in functions)
