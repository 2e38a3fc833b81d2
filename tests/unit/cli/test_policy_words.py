"""A vault policy in words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli import main
from phone_vault.cli.policy.document import as_json
from phone_vault.cli.policy.purposes import article
from phone_vault.cli.policy.release import FOR_PRIVACY_TEAMS, FUNCTIONS, NOT_ACTED_ON
from phone_vault.domain.policy import LawfulBasis
from phone_vault.domain.policy_file import parse
from tests.unit.cli.policies import KMS_KEY, POLICY, Change, words_of, written

PACKAGE = Path(__file__).resolve().parents[3] / "functions" / "phone_vault"
Output = pytest.CaptureFixture[str]


@pytest.fixture
def words(tmp_path: Path, capsys: Output) -> str:
    """Of the policy as it stands."""
    return words_of(tmp_path, capsys)


# Purposes.


def test_each_lawful_basis_has_its_letter_of_the_article() -> None:
    assert [article(basis) for basis in LawfulBasis] == [f"Art. 6(1)({letter}) GDPR" for letter in "abcdef"]


def test_a_purpose_says_its_lawful_basis_and_article(words: str) -> None:
    assert "Lawful basis: legitimate interests (Art. 6(1)(f) GDPR:" in words


def test_a_retention_that_is_the_same_everywhere_is_said_once(words: str) -> None:
    assert "90 days under every law, from the last time the number was revealed" in words


def test_a_retention_that_differs_is_said_for_each_law(words: str) -> None:
    assert (
        "40 days under the GDPR; 60 days under the UK GDPR and under any other law; 20 days under the CCPA, "
        "from when the number was given" in words
    )


def test_the_strictest_of_several_laws_applies(words: str) -> None:
    assert "the strictest applies: the fewest days" in words


def test_the_default_jurisdiction_is_named(tmp_path: Path, capsys: Output) -> None:
    def change(policy: dict[str, Any]) -> None:
        policy["default_jurisdiction"] = "CCPA"

    assert "else CCPA, the policy's default" in words_of(tmp_path, capsys, change)


def test_a_consent_is_explained_for_consent_purposes_alone(words: str) -> None:
    assert words.count("Consent: without one no number is taken") == 1


def test_how_long_a_consent_is_kept_as_proof_is_said(tmp_path: Path, capsys: Output) -> None:
    def change(policy: dict[str, Any]) -> None:
        policy["consent_proof_days"] = 100

    text = words_of(tmp_path, capsys, change)
    assert text.count("Proof of consent: ") == 1
    assert "is kept for 830 days from then on" in text
    assert "for the longest retention, and 100 days beyond it (consent_proof_days)" in text


def test_direct_marketing_is_named(words: str) -> None:
    assert words.count("Direct marketing: an objection") == 1


# Tenants.


def test_a_tenant_of_direct_wrapping_is_said_to_leave_a_trace_in_cloudtrail(words: str) -> None:
    assert "acme Wrapping: direct, by the vault's KMS key, the Kek. Each reveal is a call to KMS" in words


def test_a_tenants_own_kms_key_is_named_whole(words: str) -> None:
    assert f"the tenant's own KMS key, {KMS_KEY}." in words


def test_a_tenant_without_index_is_said_to_store_twice(words: str) -> None:
    assert "Blind index: none. Lookup and Verify are refused" in words


# Principals.


def test_principals_stand_in_their_order(words: str) -> None:
    assert re.findall(r"(\d)\. (the IAM role|whoever IAM)", words) == [
        ("1", "the IAM role"),
        ("2", "whoever IAM"),
        ("3", "whoever IAM"),
    ]


def test_an_entry_that_is_never_reached_is_pointed_out(words: str) -> None:
    assert "NEVER REACHED: entry 2 matches the same caller" in words


def test_a_function_that_the_release_lacks_is_pointed_out(words: str) -> None:
    assert "Functions: Export and Reveal. Not in this release: Export." in words


def test_a_masked_view_is_said_to_exclude_decrypt(words: str) -> None:
    assert "masked only; Decrypt is refused" in words


def teams_rights(policy: dict[str, Any]) -> None:
    policy["principals"][0] |= {"functions": ["Hold"], "purposes": [], "views": []}


def test_functions_for_privacy_teams_need_neither_purposes_nor_views(tmp_path: Path, capsys: Output) -> None:
    text = words_of(tmp_path, capsys, teams_rights)
    assert "MAY DO NOTHING" not in text
    assert "Hold acts on whole numbers and on whole data subjects" in text
    assert "neither purposes nor views bound it." in text


def test_they_are_not_spoken_of_where_they_are_not_permitted(tmp_path: Path, capsys: Output) -> None:
    def change(policy: dict[str, Any]) -> None:
        policy["principals"] = policy["principals"][:2]

    assert "whole data subjects" not in words_of(tmp_path, capsys, change)


def test_an_entry_that_permits_nothing_is_pointed_out(tmp_path: Path, capsys: Output) -> None:
    assert "MAY DO NOTHING" in words_of(tmp_path, capsys, lambda policy: policy["principals"][0].pop("purposes"))


def test_a_quota_is_said_with_what_counts(words: str) -> None:
    assert "Quota in an hour of the clock (UTC): 1,000 calls of Reveal, by all who match this entry together." in words


def break_glass(policy: dict[str, Any]) -> None:
    policy["principals"][0]["break_glass"] = True


def test_rights_for_emergencies_are_pointed_out(tmp_path: Path, capsys: Output) -> None:
    assert words_of(tmp_path, capsys, break_glass).count("BREAK-GLASS: these rights are for emergencies.") == 1


def test_rights_of_every_day_are_not(words: str) -> None:
    assert "BREAK-GLASS" not in words


def test_a_recipient_does_not_steer_the_terminal(tmp_path: Path, capsys: Output) -> None:
    def change(policy: dict[str, Any]) -> None:
        policy["principals"][0]["recipient"] = "\x1b[2J"

    assert "\x1b" not in words_of(tmp_path, capsys, change)


# What nobody may do.


def nobody(words: str) -> str:
    return words.split("What nobody may do")[1].split("Masks, guesses and caches")[0]


def test_functions_that_no_reached_entry_permits_are_listed(words: str) -> None:
    closed = "Encrypt, Decrypt, Consent, Restrict, Hold and Erase"
    assert f"Functions that no entry permits {closed}." in nobody(words)


def test_purposes_that_nobody_may_see_in_full_are_listed(words: str) -> None:
    assert "see a number in full (Reveal, Decrypt) fraud and marketing_sms." in nobody(words)


def test_a_tenant_that_nobody_may_reach_is_listed(tmp_path: Path, capsys: Output) -> None:
    def change(policy: dict[str, Any]) -> None:
        policy["principals"][0]["tenants"] = ["acme"]

    assert "Tenants whose numbers nobody may reach bank." in nobody(words_of(tmp_path, capsys, change))


def everything_to_everybody(policy: dict[str, Any]) -> None:
    policy["principals"] = policy["principals"][2:]


def test_where_somebody_may_do_everything_that_is_said(tmp_path: Path, capsys: Output) -> None:
    assert "Nothing: each function, purpose and tenant" in nobody(words_of(tmp_path, capsys, everything_to_everybody))


# Masks, guesses and caches.


def suffix(digits: int) -> Change:
    return lambda policy: policy.update(mask={"visible_suffix": digits})


def test_a_mask_that_shows_nothing_is_said_to(tmp_path: Path, capsys: Output) -> None:
    assert "the calling code and no digit of the national number" in words_of(tmp_path, capsys, suffix(0))


def test_how_many_wrong_numbers_are_told_is_said(words: str) -> None:
    assert "Verify tells of at most 20 numbers for one token in an hour of the clock (UTC)" in words


def test_a_cache_of_no_time_is_said_to_be_none(tmp_path: Path, capsys: Output) -> None:
    text = words_of(tmp_path, capsys, lambda policy: policy.update(branch_key_cache_seconds=0))
    assert "Not at all: every operation asks KMS again." in text


# What this release does not do yet.


def test_each_setting_without_effect_is_listed(words: str) -> None:
    listed = words.split("without effect in this release Do not rely")[1]
    assert [name for name in NOT_ACTED_ON if f" {name} " not in listed] == []


@pytest.mark.parametrize("setting", NOT_ACTED_ON)
def test_nothing_acts_on_a_setting_that_is_said_to_be_without_effect(setting: str) -> None:
    reading = [PACKAGE / "domain" / "policy.py", PACKAGE / "domain" / "policy_file.py", *(PACKAGE / "cli").rglob("*")]
    acting = [path for path in PACKAGE.rglob("*.py") if path not in reading]
    assert [path.name for path in acting if re.search(rf"\.{setting}\b", path.read_text(encoding="utf-8"))] == []


def handlers(builder: str) -> set[str]:
    """Those whose entry point has this further argument."""
    files = (PACKAGE / "handlers").glob("*.py")
    made = re.compile(rf"^handler = (?:Worker)?EntryPoint\(\w+{builder}\)$", re.MULTILINE)
    return {path.stem for path in files if made.search(path.read_text(encoding="utf-8"))}


def test_the_functions_of_the_release_are_those_that_have_a_handler() -> None:
    assert {name.lower() for name in FUNCTIONS} == handlers("") | handlers(", build_right")


def test_the_functions_for_privacy_teams_are_those_that_are_built_as_such() -> None:
    assert {name.lower() for name in FOR_PRIVACY_TEAMS} == handlers(", build_right")


def test_the_functions_stand_in_the_contracts_order() -> None:
    contract = "Protect Reveal Lookup Verify Encrypt Decrypt Consent Rectify Restrict Object Hold Erase Export Request"
    assert list(FUNCTIONS) == [name for name in contract.split() if name in FUNCTIONS]


def test_the_policys_principals_do_not_speak_of_jobs() -> None:
    """IAM alone says who may invoke those."""
    jobs = {stem.replace("_", "") for stem in handlers(", build_job")}
    assert "rotatekeys" in jobs
    assert not jobs & {name.lower() for name in FUNCTIONS}


# Rotation.


def test_how_long_keys_are_used_is_said(words: str) -> None:
    assert "Branch keys A new version is due 90 days after" in words
    assert "Index keys A new version is due 365 days after" in words


def test_how_long_a_rotation_waits_is_said(words: str) -> None:
    assert "a Rotation waits for 360 seconds" in words


def test_what_a_branch_key_means_for_direct_tenants_is_said_where_there_are_any(tmp_path: Path, capsys: Output) -> None:
    text = words_of(tmp_path, capsys, lambda policy: policy["tenants"].pop("acme"))
    assert "Tenants of direct wrapping" not in text
    assert "Tenants of direct wrapping" in words_of(tmp_path, capsys)


# Purges and erasures.


def test_how_much_a_purge_destroys_without_a_plan_is_said(tmp_path: Path, capsys: Output) -> None:
    text = words_of(tmp_path, capsys, lambda policy: policy.update(circuit_breaker=0.05))
    assert "destroys at most 5 percent of a tenant's numbers" in text


def test_for_how_long_a_destroyed_number_is_told_to_be_erased_is_said(words: str) -> None:
    assert "For 90 days whoever asks for a destroyed number is told that it was erased" in words


# For machines.


def explained(folder: Path, capsys: Output) -> Any:
    assert main(["policy", "check", written(folder), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_machines_get_the_policy_with_its_defaults(tmp_path: Path, capsys: Output) -> None:
    assert explained(tmp_path, capsys)["policy"]["rotation"] == {"branch_days": 90, "index_days": 365}


def test_machines_get_the_days_under_each_law(tmp_path: Path, capsys: Output) -> None:
    retention = explained(tmp_path, capsys)["policy"]["purposes"]["fraud"]["retention"]
    assert retention["jurisdictions"] == {"GDPR": 40, "UK_GDPR": 60, "CCPA": 20, "OTHER": 60}


def test_machines_get_the_words_too(tmp_path: Path, capsys: Output) -> None:
    titles = [section["title"] for section in explained(tmp_path, capsys)["in_words"]]
    assert titles[:4] == ["Purposes", "Tenants", "Who may do what", "What nobody may do"]


def test_machines_get_every_setting_of_the_file() -> None:
    assert set(POLICY) <= set(as_json(parse(POLICY)))
