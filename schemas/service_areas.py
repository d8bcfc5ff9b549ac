"""The service areas that adults are granted help in, and the groups they make, as typed data from `service_areas.yaml`."""

from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from schemas.data_files import SCHEMAS_DIR, Lines, load_yaml, read_as
from schemas.questionnaire import CODE, Option

RESIDENTIAL_CARE, ACTIVITY = "residential_care", "activity"
"""Groups: botilbud and dagtilbud, whose cost together is what the screening counts cases by."""

ALL = "all"
"""In place of a service area: all of them together."""

LEVELS = ("service_area", "group", "all")


class ServiceArea(BaseModel):
    """One service area; the fields are described in `service_areas.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: StrictStr = Field(pattern=CODE)
    label_da: StrictStr
    legal_basis: StrictStr
    also: tuple[StrictStr, ...] = ()
    group: StrictStr
    is_refundable: StrictBool
    state_refund_share: StrictFloat | StrictInt = Field(ge=0, le=1)
    price_min_dkk: StrictInt = Field(ge=0)
    price_max_dkk: StrictInt = Field(ge=0)


class Group(BaseModel):
    """Service areas that are counted together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: StrictStr = Field(pattern=CODE)
    label_da: StrictStr


class _ServiceAreas(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[Group, ...]
    service_areas: tuple[ServiceArea, ...]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        groups = [group.code for group in self.groups]
        codes = [area.code for area in self.service_areas]
        if len({*groups, *codes, ALL}) != len(groups) + len(codes) + 1:
            raise ValueError(f"codes of service areas and groups must differ, and none be {ALL!r}")
        if wrong := [area.code for area in self.service_areas if area.group not in groups]:
            raise ValueError(f"{', '.join(wrong)}: the group is none of {', '.join(groups)}")
        if wrong := [area.code for area in self.service_areas if area.price_min_dkk > area.price_max_dkk]:
            raise ValueError(f"{', '.join(wrong)}: price_min_dkk is above price_max_dkk")
        return self


@cache
def _loaded() -> _ServiceAreas:
    path = SCHEMAS_DIR / "service_areas.yaml"
    return read_as(_ServiceAreas, load_yaml(path), path.name, Lines(path))


def service_areas() -> dict[str, ServiceArea]:
    """The service areas by code, in their order.

    Raises:
        CatalogueError: `service_areas.yaml` is faulty; the message names every fault and the line to mend.
    """
    return {area.code: area for area in _loaded().service_areas}


def groups() -> dict[str, Group]:
    """The groups by code, in their order.

    Raises:
        CatalogueError: as `service_areas`.
    """
    return {group.code: group for group in _loaded().groups}


def labels_da() -> dict[str, str]:
    """What service areas, groups and all of them together are called, by code, in the order that tables show them."""
    areas, of_group = service_areas(), groups()
    return {
        **{code: area.label_da for code, area in areas.items()},
        **{code: group.label_da for code, group in of_group.items()},
        ALL: "I alt",
    }


def area_options() -> tuple[Option, ...]:
    """The service areas as answers of a form."""
    shared = [area.legal_basis for area in service_areas().values()]
    return tuple(
        Option(
            code=area.code,
            label_da=area.label_da,
            # A legal basis that two areas share tells neither.
            also=(*area.also, *([area.legal_basis] if shared.count(area.legal_basis) == 1 else [])),
        )
        for area in service_areas().values()
    )


def group_options() -> tuple[Option, ...]:
    """The groups as answers of a form."""
    return tuple(Option(code=group.code, label_da=group.label_da) for group in groups().values())
