"""The survey rounds, as typed data from `rounds.yaml`. A round is named by its snapshot date."""

import datetime as dt
import re
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from schemas.data_files import SCHEMAS_DIR, Lines, load_yaml, read_as
from schemas.errors import CatalogueError
from schemas.periods import Period
from schemas.questionnaire import load_catalogue


class Round(Period):
    """One survey round; the fields are described in `rounds.yaml`."""

    disclosure_method: Literal["rounding", "suppression"] = "rounding"
    rounding_base: Literal[3, 5] = 3
    breakdowns_from_participants: StrictInt = Field(default=1, ge=1)
    rejected_rows_share: StrictFloat | StrictInt = Field(ge=0, le=1)
    deadline: dt.date | None = None

    @property
    def snapshot_date(self) -> dt.date:
        """The date whose state the form asks about."""
        return dt.date.fromisoformat(self.name)

    @property
    def title_da(self) -> str:
        """What the releases of the round are called."""
        return f"Botilbudsbenchmark, opgjort pr. {self.snapshot_date:%d-%m-%Y}"

    @property
    def named_da(self) -> str:
        """The round in a sentence."""
        return f"runden {self.snapshot_date:%d-%m-%Y}"

    @property
    def source_da(self) -> str:
        """Where its figures come from, besides the population."""
        return "Kommunernes screening af særligt dyre enkeltsager"

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", self.name):
            raise ValueError("a round is named by its snapshot date, as 2022-10-01")
        _ = self.snapshot_date
        load_catalogue(self.questionnaire)
        return self


class _Rounds(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rounds: dict[StrictStr, Round]


@cache
def load_rounds() -> dict[str, Round]:
    """Every round by name, oldest first.

    Raises:
        CatalogueError: `rounds.yaml` is faulty, or a round names a catalogue that is; the message names every fault and
            the line to mend.
    """
    return rounds_in(SCHEMAS_DIR / "rounds.yaml")


def rounds_in(path: Path) -> dict[str, Round]:
    """Every round of a rounds file by name, oldest first.

    Raises:
        CatalogueError: as `load_rounds`.
    """
    return rounds_from(load_yaml(path), path.name, Lines(path))


def rounds_from(document: object, file: str, lines: Lines | None = None) -> dict[str, Round]:
    """The rounds in a parsed document; `file` names it in messages, with the line to mend where `lines` are given.

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
    rounds = read_as(_Rounds, {"rounds": named}, file, lines).rounds
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
