"""A vault policy as a file, with something of everything."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from phone_vault.cli import main

KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

POLICY: dict[str, Any] = {
    "version": 1,
    "purposes": {
        "account_security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "last_used"}},
        "fraud": {
            "lawful_basis": "legitimate_interests",
            "retention": {"days": 60, "from": "created", "jurisdictions": {"CCPA": 20, "GDPR": 40}},
        },
        "marketing_sms": {
            "lawful_basis": "consent",
            "direct_marketing": True,
            "retention": {"days": 730, "from": "consent"},
        },
    },
    "tenants": {"acme": {"wrapping": "direct"}, "bank": {"kms_key": KMS_KEY, "index": False}},
    "principals": [
        {
            "match": "arn:aws:iam::123456789012:role/otp-sender",
            "recipient": "SMS provider",
            "tenants": ["*"],
            "functions": ["Reveal", "Export"],
            "purposes": ["account_security"],
            "views": ["full"],
            "quotas": {"Reveal": 1000},
        },
        {
            "match": "direct",
            "tenants": ["acme"],
            "functions": ["Protect", "Lookup", "Verify"],
            "purposes": ["*"],
            "views": ["masked"],
        },
        {"match": "direct", "tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["*"]},
    ],
}

Change = Callable[[dict[str, Any]], object]


def nothing(_policy: dict[str, Any]) -> None:
    """The policy as it stands."""


def written(folder: Path, change: Change = nothing) -> str:
    """The policy with a change, as a file."""
    policy = copy.deepcopy(POLICY)
    change(policy)
    path = folder / "policy.toml"
    path.write_text(tomli_w.dumps(policy), encoding="utf-8")
    return str(path)


def words_of(folder: Path, capsys: pytest.CaptureFixture[str], change: Change = nothing) -> str:
    """What `policy check` says of it, without its line breaks."""
    assert main(["policy", "check", written(folder, change)]) == 0
    return " ".join(capsys.readouterr().out.split())
