"""What a survey round and a year of management information have in common: what releases are made of.

A period names the partition of the tables that are made of it, the folder of its releases, and the settings that they
follow from. Rounds are described in `rounds`, years in `years`.
"""

import datetime as dt
import re
from abc import ABC, abstractmethod

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, field_validator

from schemas.municipalities import municipality_codes


class Period(BaseModel, ABC):
    """A round or a year; the fields are described in `rounds.yaml` and `years.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: StrictStr
    questionnaire: StrictStr
    threshold_dkk: StrictInt = Field(ge=0)
    population_quarter: StrictStr = Field(pattern=r"^[0-9]{4}K[1-4]$")
    disclosure_threshold: StrictInt = Field(ge=3)
    reports_for: dict[StrictStr, tuple[StrictStr, ...]]
    fresh_within_hours: StrictInt = Field(default=30, ge=1)
    open: StrictBool

    @property
    @abstractmethod
    def snapshot_date(self) -> dt.date:
        """The date that cases are counted on."""

    @property
    @abstractmethod
    def title_da(self) -> str:
        """What the releases of the period are called."""

    @property
    @abstractmethod
    def named_da(self) -> str:
        """The period in a sentence: `runden 01-10-2022`, `året 2024`."""

    @property
    @abstractmethod
    def source_da(self) -> str:
        """Where its figures come from, besides the population."""

    @field_validator("reports_for")
    @classmethod
    def _names_municipalities(cls, reports_for: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        covered = [code for codes in reports_for.values() for code in codes]
        wrong = [code for code in [*reports_for, *covered] if not re.fullmatch(r"[0-9]{3}", code)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: municipality codes are text of three digits")
        if unknown := sorted({*reports_for, *covered} - municipality_codes()):
            raise ValueError(f"{', '.join(unknown)}: no municipality has this code")
        if len(set(covered)) != len(covered) or set(covered) & set(reports_for):
            raise ValueError("a municipality is covered once, and one that reports is not itself covered")
        return reports_for
