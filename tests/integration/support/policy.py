"""A policy with something of everything, for the tests."""

from typing import Any

SENDER = "arn:aws:iam::123456789012:role/otp-sender"
EVERYONE = ["*"]

POLICY: dict[str, Any] = {
    "version": 1,
    "purposes": {
        "account_security": {"lawful_basis": "contract", "retention": {"days": 90, "from": "last_used"}},
        "delivery": {"lawful_basis": "contract", "retention": {"days": 30, "from": "created"}},
        "fraud": {
            "lawful_basis": "legitimate_interests",
            "retention": {"days": 60, "from": "created", "jurisdictions": {"CCPA": 20, "GDPR": 40, "UK_GDPR": 50}},
        },
        "marketing_sms": {
            "lawful_basis": "consent",
            "direct_marketing": True,
            "retention": {"days": 730, "from": "consent", "jurisdictions": {"GDPR": 365, "UK_GDPR": 400}},
        },
    },
    "principals": [
        {
            "match": SENDER,
            "recipient": "SMS provider",
            "tenants": EVERYONE,
            "functions": ["Reveal", "Verify"],
            "purposes": ["account_security"],
            "views": ["full"],
        },
        {
            "match": "group:support",
            "tenants": ["acme"],
            "functions": ["Reveal", "Lookup"],
            "purposes": EVERYONE,
            "views": ["masked"],
        },
        {
            "match": "direct:billing",
            "tenants": ["acme"],
            "functions": EVERYONE,
            "purposes": ["delivery"],
            "views": ["full", "masked"],
        },
        {
            "match": "direct",
            "tenants": EVERYONE,
            "functions": EVERYONE,
            "purposes": EVERYONE,
            "views": ["full", "masked"],
        },
    ],
}
