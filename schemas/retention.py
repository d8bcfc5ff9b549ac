"""How long things are kept, as typed data from `retention.yaml`. What is done about it stands in `pipelines/retention/`."""

from functools import cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

from schemas.data_files import SCHEMAS_DIR, Lines, load_yaml, read_as

Kept = Literal["dagster_runs", "dagster_ticks", "deliveries_not_counting", "delivered_rows", "told_alerts"]
Start = Literal["end of the run", "time of the tick", "deadline of the closed round"]
_COUNTED_FROM: dict[Kept, Start] = {
    "dagster_runs": "end of the run",
    "dagster_ticks": "time of the tick",
    "deliveries_not_counting": "deadline of the closed round",
    "delivered_rows": "deadline of the closed round",
    "told_alerts": "deadline of the closed round",
}


class Rule(BaseModel):
    """How long one kind of thing is kept; the fields are described in `retention.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: StrictInt = Field(ge=1)
    counted_from: Start = Field(alias="from")
    why: StrictStr = Field(min_length=1)


class _Retention(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: dict[Kept, Rule]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if missing := sorted(set(_COUNTED_FROM) - set(self.rules)):
            raise ValueError(f"{', '.join(missing)}: no rule says how long these are kept")
        for kept, rule in self.rules.items():
            if rule.counted_from != _COUNTED_FROM[kept]:
                raise ValueError(f"{kept}: the days are counted from the {_COUNTED_FROM[kept]}")
        return self


@cache
def load_rules() -> dict[Kept, Rule]:
    """The rule for every kind of thing.

    Raises:
        CatalogueError: `retention.yaml` is faulty; the message names every fault and the line to mend.
    """
    return rules_from(load_yaml(SCHEMAS_DIR / "retention.yaml"), Lines(SCHEMAS_DIR / "retention.yaml"))


def rules_from(document: object, lines: Lines | None = None) -> dict[Kept, Rule]:
    """The rules in a parsed document.

    Raises:
        CatalogueError: the document is faulty; the message names every fault.
    """
    return read_as(_Retention, document, "retention.yaml", lines).rules
