"""What AWS asks for, as data: change it where the prices have changed, or put others in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from phone_vault.services.estimate.bill import Bill


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars, on demand, without free tiers, taxes and discounts."""

    million_read_units: float = 0.1415
    million_write_units: float = 0.70675
    ten_thousand_kms_calls: float = 0.03
    million_invocations: float = 0.20
    gigabyte_second: float = 0.0000133334
    """Of Lambda on arm64."""
    thousand_transitions: float = 0.025
    """Of a Standard workflow of Step Functions."""

    def with_others(self, others: Mapping[str, float]) -> "Prices":
        """Some of them replaced; `ValueError` for one that there is none of."""
        unknown = others.keys() - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"no such price: {', '.join(sorted(unknown))}; there are {', '.join(asdict(self))}")
        return replace(self, **others)


REGION = "eu-west-1"
DATE = "2026-11"
SOURCES = (
    "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    "https://aws.amazon.com/kms/pricing/",
    "https://aws.amazon.com/lambda/pricing/",
    "https://aws.amazon.com/step-functions/pricing/",
)


def cost(bill: Bill, gigabyte_seconds: float, prices: Prices) -> dict[str, float]:
    """By service, in US dollars."""
    return {
        "dynamodb": (bill.read_units * prices.million_read_units + bill.write_units * prices.million_write_units) / 1e6,
        "kms": bill.kms_calls * prices.ten_thousand_kms_calls / 1e4,
        "lambda": bill.invocations * prices.million_invocations / 1e6 + gigabyte_seconds * prices.gigabyte_second,
        "step_functions": bill.transitions * prices.thousand_transitions / 1e3,
    }
