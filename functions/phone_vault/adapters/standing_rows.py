"""Holds, restrictions and endings as attributes of a row of RecordKeys; absent where nothing was said."""

from collections.abc import Mapping
from typing import Any

from phone_vault.adapters.attribute_values import text_in
from phone_vault.domain import moments
from phone_vault.domain.standing import Ended, Ending, Erasure, Ground, Hold, Level, Restriction, Standing

STANDING_ATTRIBUTES = ("legal_holds", "restriction", "ended", "erasure")
NOT_UNDER_LEGAL_HOLD = "attribute_not_exists(legal_holds)"
NOT_RESTRICTED = "attribute_not_exists(restriction)"


def standing_attributes(standing: Standing) -> dict[str, Any]:
    """All of them; None where there is nothing to say, so that conditions can ask for their absence."""
    erasure = standing.erasure
    return {
        "legal_holds": [{"case": each.case_id, "level": str(each.level)} for each in sorted(standing.holds)] or None,
        "restriction": [
            {"ground": str(each.ground), "level": str(each.level)} for each in sorted(standing.restrictions)
        ]
        or None,
        "ended": {
            purpose: {"at": moments.to_text(each.at), "why": str(each.why)} for purpose, each in standing.ended.items()
        }
        or None,
        "erasure": {"id": erasure.erasure_id, "at": moments.to_text(erasure.at)} if erasure else None,
    }


def standing_in(row: Mapping[str, Any]) -> Standing:
    """As those attributes have it; `ValueError`, `KeyError` or `TypeError` for what the vault does not write."""
    return Standing(
        holds=frozenset(Hold(text_in(each["case"]), Level(each["level"])) for each in row.get("legal_holds", ())),
        restrictions=frozenset(
            Restriction(Ground(each["ground"]), Level(each["level"])) for each in row.get("restriction", ())
        ),
        ended={
            purpose: Ended(moments.from_text(each["at"]), Ending(each["why"]))
            for purpose, each in row.get("ended", {}).items()
        },
        erasure=_erasure_in(row["erasure"]) if "erasure" in row else None,
    )


def _erasure_in(value: Mapping[str, Any]) -> Erasure:
    return Erasure(text_in(value["id"]), moments.from_text(value["at"]))
