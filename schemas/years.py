"""The years of management information, as typed data from `years.yaml`. A year is named by its number."""

import datetime as dt
from functools import cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator

from schemas.data_files import SCHEMAS_DIR, Lines, load_yaml, read_as
from schemas.errors import CatalogueError
from schemas.extracts import GRANTS
from schemas.periods import Period
from schemas.rounds import load_rounds

FullYearMethod = Literal["months", "days"]


class Year(Period):
    """One calendar year; the fields are described in `years.yaml`."""

    questionnaire: StrictStr = GRANTS
    snapshot: dt.date = Field(alias="snapshot_date")
    price_level_year: StrictInt
    full_year_method: FullYearMethod = "months"
    rounding_base: Literal[3, 5] = 3

    @property
    def number(self) -> int:
        """The calendar year."""
        return int(self.name)

    @property
    def snapshot_date(self) -> dt.date:
        """The date that cases over the threshold are counted on."""
        return self.snapshot

    @property
    def title_da(self) -> str:
        """What the releases of the year are called."""
        return f"Ledelsesinformation {self.name}"

    @property
    def named_da(self) -> str:
        """The year in a sentence."""
        return f"året {self.name}"

    @property
    def source_da(self) -> str:
        """Where its figures come from, besides the population."""
        return "Kommunernes udtræk af bevilgede ydelser"

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if not (self.name.isdecimal() and len(self.name) == 4):
            raise ValueError("a year is named by its four digits, as 2024")
        if self.snapshot.year != self.number:
            raise ValueError(f"snapshot_date {self.snapshot} is not in {self.name}")
        return self


class _Years(BaseModel):
    model_config = ConfigDict(extra="forbid")

    years: dict[StrictStr, Year]


@cache
def load_years() -> dict[str, Year]:
    """Every year by name, oldest first.

    Raises:
        CatalogueError: `years.yaml` is faulty; the message names every fault and the line to mend.
    """
    path = SCHEMAS_DIR / "years.yaml"
    document = load_yaml(path)
    if not isinstance(document, dict) or not isinstance(document.get("years"), dict):
        raise CatalogueError(f"{path.name}: a years file is a mapping `years` of calendar years")
    named = {name: {"name": name, **entry} for name, entry in document["years"].items()}
    years = read_as(_Years, {"years": named}, path.name, Lines(path)).years
    return dict(sorted(years.items()))


def open_years() -> list[Year]:
    """The years that are materialised every night, oldest first."""
    return [year for year in load_years().values() if year.open]


def find_year(name: str) -> Year:
    """The year of this name.

    Raises:
        CatalogueError: there is none; names those that exist.
    """
    years = load_years()
    if name not in years:
        raise CatalogueError(
            f"there is no year {name!r}; the years are: {', '.join(years)}. Add an entry to schemas/years.yaml"
        )
    return years[name]


@cache
def load_periods() -> dict[str, Period]:
    """Every round and every year by name: all that releases are made of."""
    return {**load_rounds(), **load_years()}


def find_period(name: str) -> Period:
    """The round or the year of this name.

    Raises:
        CatalogueError: there is none.
    """
    periods = load_periods()
    if name not in periods:
        raise CatalogueError(f"there is no round or year {name!r}; there are: {', '.join(periods)}")
    return periods[name]
