"""The events that users start from, each as Lambda would hand it to its function."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from phone_vault.local import LocalCloud

ROOT = Path(__file__).parents[2]
EVENTS = sorted(path.stem for path in (ROOT / "events").glob("*.json"))
SAMPLE_TOKEN = "tok_00000000000000000000000000"
SAMPLE_POOL = {
    "UserPoolIssuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE00",
    "UserPoolClientId": "3example4client5id6",
}
SAMPLE_MESSAGE = "AgR4AAAAAAAAAAAAAAAAAAAAAAAA"
MAY_EVERYTHING = {"tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["full", "masked"]}
TOLD = {
    "protect": "masked",
    "reveal": "number",
    "lookup": "matches",
    "verify": "match",
    "encrypt": "message",
    "decrypt": "number",
}
CALLERS = ["direct", "group:support", "arn:aws:iam::123456789012:role/otp-sender"]


def answer(cloud: LocalCloud, function: str, alias: str | None, event: str) -> dict[str, Any]:
    functions: Any = cloud.client("lambda")
    qualifier = {"Qualifier": alias} if alias else {}
    response = functions.invoke(FunctionName=f"phone-vault-{function}", Payload=event, **qualifier)
    result: dict[str, Any] = json.load(response["Payload"])
    return result


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_event_is_answered(name: str) -> None:
    function, trigger = name.split(".")
    policy = tomllib.loads((ROOT / "functions" / "policy.toml").read_text())
    policy["principals"] = [{"match": caller, **MAY_EVERYTHING} for caller in CALLERS]
    with LocalCloud(policy=policy) as cloud:
        stored = answer(cloud, "Protect", None, (ROOT / "events" / "protect.direct.json").read_text())
        message = answer(cloud, "Encrypt", None, (ROOT / "events" / "encrypt.direct.json").read_text())["message"]
        event = (ROOT / "events" / f"{name}.json").read_text()
        event = event.replace(SAMPLE_TOKEN, stored["token"]).replace(SAMPLE_MESSAGE, message)
        for output, sample in SAMPLE_POOL.items():
            event = event.replace(sample, cloud.outputs[output])
        result = answer(cloud, function.title(), None if trigger == "direct" else "http", event)
    body = result if trigger == "direct" else json.loads(result["body"])
    assert body.get("token", stored["token"]) == stored["token"]
    assert body.get(TOLD[function]), result
