"""The survey rounds, as typed data from `rounds.yaml`. A round is named by its snapshot date."""

import datetime as dt
import re
from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from schemas.data_files import SCHEMAS_DIR, load_yaml, read_as
from schemas.errors import CatalogueError
from schemas.questionnaire import load_catalogue


class Round(BaseModel):
    """One survey round; the fields are described in `rounds.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: StrictStr
    questionnaire: StrictStr
    threshold_dkk: StrictInt = Field(ge=0)
    population_quarter: StrictStr = Field(pattern=r"^[0-9]{4}K[1-4]$")
    disclosure_threshold: StrictInt = Field(ge=3)
    rejected_rows_share: StrictFloat | StrictInt = Field(ge=0, le=1)
    reports_for: dict[StrictStr, tuple[StrictStr, ...]]
    open: StrictBool

    @property
    def snapshot_date(self) -> dt.date:
        """The date whose state the form asks about."""
        return dt.date.fromisoformat(self.name)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", self.name):
            raise ValueError("a round is named by its snapshot date, as 2022-10-01")
        _ = self.snapshot_date
        covered = [code for codes in self.reports_for.values() for code in codes]
        wrong = [code for code in [*self.reports_for, *covered] if not re.fullmatch(r"[0-9]{3}", code)]
        if wrong:
            raise ValueError(f"reports_for: {', '.join(wrong)}: municipality codes are text of three digits")
        if len(set(covered)) != len(covered) or set(covered) & set(self.reports_for):
            raise ValueError("reports_for: a municipality is covered once, and one that reports is not itself covered")
        load_catalogue(self.questionnaire)
        return self


class _Rounds(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rounds: dict[StrictStr, Round]


@cache
def load_rounds() -> dict[str, Round]:
    """Every round by name, oldest first.

    Raises:
        CatalogueError: `rounds.yaml` is faulty, or a round names a catalogue that is; the message names every fault.
    """
    return rounds_from(load_yaml(SCHEMAS_DIR / "rounds.yaml"), "rounds.yaml")


def rounds_from(document: object, file: str) -> dict[str, Round]:
    """The rounds in a parsed document; `file` names it in messages.

    Raises:
        CatalogueError: the document is faulty; the message names every fault.
    """
    if not isinstance(document, dict) or not isinstance(document.get("rounds"), dict):
        raise CatalogueError(f"{file}: a rounds file is a mapping `rounds` of snapshot dates")
    named = {}
    for name, entry in document["rounds"].items():
        if isinstance(entry, dict) and "name" in entry:
            raise CatalogueError(f"{file}: rounds.{name}: a round is named by its key; remove `name`")
        named[name] = {"name": name, **entry} if isinstance(entry, dict) else entry
    rounds = read_as(_Rounds, {"rounds": named}, file).rounds
    return dict(sorted(rounds.items()))


def find_round(name: str) -> Round:
    """The round of this name.

    Raises:
        CatalogueError: there is none; names those that exist.
    """
    rounds = load_rounds()
    if name not in rounds:
        raise CatalogueError(f"there is no round {name!r}; the rounds are: {', '.join(rounds)}")
    return rounds[name]
