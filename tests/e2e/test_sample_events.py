"""The events that users start from, each as Lambda would hand it to its function."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from phone_vault.local import LocalCloud
from tests.permissions import applications, permissions, rights

ROOT = Path(__file__).parents[2]
EVENTS = sorted(path.stem for path in (ROOT / "events").glob("*.json"))
OF_CALLERS = [name for name in EVENTS if name.split(".")[0].title() in (*applications(), *rights())]
OF_JOBS = [name for name in EVENTS if name not in OF_CALLERS]
SAMPLE_TOKEN = "tok_00000000000000000000000000"
SAMPLE_POOL = {
    "UserPoolIssuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE00",
    "UserPoolClientId": "3example4client5id6",
}
SAMPLE_RUN = "20260101T000000Z-00000000"
SAMPLE_PLAN = "20260101T000000Z-11111111"
SAMPLE_MESSAGE = "AgR4AAAAAAAAAAAAAAAAAAAAAAAA"
MAY_EVERYTHING = {"tenants": ["*"], "functions": ["*"], "purposes": ["*"], "views": ["full", "masked"]}
TOLD = {
    "protect": "masked",
    "reveal": "number",
    "lookup": "matches",
    "verify": "match",
    "encrypt": "message",
    "decrypt": "number",
    "consent": "purposes",
    "restrict": "updated",
    "hold": "updated",
    "erase": "receipt",
    "rotate_keys": "rotated",
    "advance_rotation": "rotate_keys",
    "rewrap": "done",
    "reindex": "done",
    "census": "done",
    "sweep_index": "done",
    "retire_keys": "state",
    "offboard": "receipt",
    "plan_purge": "plan_id",
    "advance_purge": "plan_id",
    "purge_page": "done",
}
ROLES = [f"arn:aws:iam::123456789012:role/{role}" for role in ("otp-sender", "privacy-desk")]
CALLERS = ["direct", "group:support", *ROLES]


def answer(cloud: LocalCloud, function: str, alias: str | None, event: str) -> dict[str, Any]:
    functions: Any = cloud.client("lambda")
    qualifier = {"Qualifier": alias} if alias else {}
    response = functions.invoke(FunctionName=f"phone-vault-{function}", Payload=event, **qualifier)
    result: dict[str, Any] = json.load(response["Payload"])
    return result


@pytest.mark.parametrize("name", OF_CALLERS)
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


@pytest.mark.parametrize("name", OF_JOBS)
def test_a_sample_event_of_a_job_is_answered(name: str) -> None:
    """While a Rotation, or a purge of what is due, is under way; what is retired must have been left by one."""
    function = name.split(".")[0]
    with LocalCloud() as cloud:
        answer(cloud, "Protect", None, (ROOT / "events" / "protect.direct.json").read_text())
        if function == "retire_keys":
            cloud.execute("Rotation", {"use": "branch"})
        plan_id = SAMPLE_PLAN
        if function == "purge_page":
            cloud.clock.advance(days=1000)
            plan_id = cloud.invoke("PlanPurge", {})["plan_id"]
            begin = {"step": "begin", "purge": {"plan_id": plan_id}, "plan_id": plan_id}
            run_id = cloud.invoke("AdvancePurge", begin)["run_id"]
        else:
            run_id = cloud.invoke("AdvanceRotation", {"step": "begin", "rotation": {}})["run_id"]
        event = (ROOT / "events" / f"{name}.json").read_text().replace(SAMPLE_RUN, run_id).replace(SAMPLE_PLAN, plan_id)
        result = answer(cloud, function.title().replace("_", ""), None, event)
    assert TOLD[function] in result, result


def test_every_function_has_a_sample_event() -> None:
    assert {name.split(".")[0].title().replace("_", "") for name in EVENTS} == set(permissions())
