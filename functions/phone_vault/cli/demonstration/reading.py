"""What applications do with stored numbers: reveal, look up, verify, and store once more."""

from collections.abc import Sequence

from phone_vault.cli.console import Console
from phone_vault.cli.demonstration.batches import call_in_batches
from phone_vault.cli.demonstration.expectation import expect
from phone_vault.cli.demonstration.storing import PURPOSE, Stored
from phone_vault.cli.demonstration.subjects import Household
from phone_vault.local import LocalCloud

_SAMPLE = 100


def reveal_all(cloud: LocalCloud, console: Console, tenant_id: str, stored: Sequence[Stored]) -> list[str]:
    """The numbers, all compared with libphonenumber's."""
    console.section(
        "Reveal", "A token and a purpose give the number back. Every number must be the one that was meant."
    )
    answers = call_in_batches(
        cloud,
        console,
        "Reveal",
        [{"token": each.token} for each in stored],
        {"tenant_id": tenant_id, "purpose": PURPOSE, "reason": "demonstration"},
    )
    for each, answer in zip(stored, answers, strict=True):
        expect(answer.get("number") == each.person.example.e164, f"{each.person.subject_id}'s number comes back")
    masked = cloud.invoke(
        "Reveal", {"tenant_id": tenant_id, "token": stored[-1].token, "purpose": PURPOSE, "view": "masked"}
    )
    expect("number" not in masked and "*" in masked["masked"], "the masked view hides digits")
    console.say(f"{len(answers):,} of {len(stored):,} numbers came back equal, digit by digit.")
    console.say(f"Whoever need not see a number asks for the masked view: {masked['masked']}")
    return [answer["number"] for answer in answers]


def look_up_some(
    cloud: LocalCloud, console: Console, tenant_id: str, households: Sequence[Household], stored: Sequence[Stored]
) -> int:
    """How many numbers were looked up, each in a spelling that nobody stored it in."""
    console.section(
        "Lookup",
        "Who has this number? The vault asks its blind index (a keyed HMAC of the canonical number), in a function "
        "that cannot decrypt. Two people share each number here, and it is asked for in a third spelling.",
    )
    token_of = {each.person.subject_id: each.token for each in stored}
    asked = _sample(households)
    answers = call_in_batches(
        cloud,
        console,
        "Lookup",
        [household.asked_as.request() for household in asked],
        {"tenant_id": tenant_id, "purpose": PURPOSE},
    )
    for household, answer in zip(asked, answers, strict=True):
        found = {match["subject_id"]: match["token"] for match in answer.get("matches", [])}
        expected = {person.subject_id: token_of[person.subject_id] for person in household.people}
        expect(found == expected, f"the number of {' and '.join(expected)} is found, and nobody else's")
    console.say(f"{len(asked):,} numbers were looked up; each gave the two tokens of the people who share it.")
    return len(asked)


def verify_some(
    cloud: LocalCloud, console: Console, tenant_id: str, households: Sequence[Household], stored: Sequence[Stored]
) -> tuple[int, int]:
    """How many matched and how many did not: each token with its own number and with a neighbour's."""
    console.section(
        "Verify",
        "Is this the number behind the token? Answered from the blind index again, without decrypting: once for the "
        "right number, once for the next one's.",
    )
    token_of = {each.person.subject_id: each.token for each in stored}
    asked = _sample(households)
    others = [*asked[1:], asked[0]]
    tokens = [token_of[household.people[0].subject_id] for household in asked]
    common = {"tenant_id": tenant_id, "purpose": PURPOSE}
    answers = call_in_batches(
        cloud,
        console,
        "Verify",
        [
            {"token": token, **spelling.request()}
            for token, own, other in zip(tokens, asked, others, strict=True)
            for spelling in (own.asked_as, other.asked_as)
        ],
        common,
    )
    matches, mismatches = answers[0::2], answers[1::2]
    expect(all(answer.get("match") is True for answer in matches), "a token matches its own number")
    expect(all(answer.get("match") is False for answer in mismatches), "a token does not match another number")
    console.say(f"{len(matches):,} right numbers match, {len(mismatches):,} wrong ones do not.")
    return len(matches), len(mismatches)


def protect_again(
    cloud: LocalCloud, console: Console, tenant_id: str, households: Sequence[Household], stored: Sequence[Stored]
) -> int:
    """How many were protected again, for the same person in another spelling."""
    console.section(
        "Protect again",
        "An application that stores a number twice for one person, in whatever spelling, gets the token it already "
        "has: one record per person and number.",
    )
    token_of = {each.person.subject_id: each.token for each in stored}
    asked = _sample(households)
    answers = call_in_batches(
        cloud,
        console,
        "Protect",
        [{"subject_id": each.people[0].subject_id, **each.asked_as.request()} for each in asked],
        {"tenant_id": tenant_id, "purposes": {PURPOSE: {}}},
    )
    for household, answer in zip(asked, answers, strict=True):
        subject_id = household.people[0].subject_id
        expect(answer.get("created") is False, f"{subject_id}'s number is not stored twice")
        expect(answer["token"] == token_of[subject_id], f"{subject_id} gets the same token again")
    console.say(f"{len(answers):,} numbers were protected again: none was new, each token was the same.")
    return len(answers)


def _sample(households: Sequence[Household]) -> list[Household]:
    """Evenly from all regions."""
    return list(households[:: max(1, len(households) // _SAMPLE)])[:_SAMPLE]
