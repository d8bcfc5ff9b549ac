"""The made-up budgets, planned changes and initiatives of the demonstration extracts. No file formats here.

They go with the municipality's made-up services, so that a forecast comes near its budget. Amounts are whole kroner.
"""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from pipelines.demo.answers import Answers
from pipelines.demo.citizens import (
    BROUGHT_HOME,
    CITIZENS,
    FIRST_YEAR,
    KINDS,
    LAST_YEAR,
    MOVED_HOME,
    SUPPORTED_AT_HOME,
    Service,
    services,
)
from pipelines.demo.draws import Draws
from pipelines.demo.grants import price_in, price_rises

MONTHS = 12
STEP_DKK = 1_000
# Kinds of services that are planned for.
PLANNED_AREAS = ("sel_107", "sel_108", "abl_105_sel_85", "sel_104", "sel_85_own", "stu")
CITIZENS_PER_PLANNED = 60


class Initiative(NamedTuple):
    """An initiative that municipalities have; its citizens are those whose grants name its key.

    Attributes:
        key: as grants name it.
        name: what it is called.
        legal_basis: the service area or group that its effect is counted under.
        start: its first day.
        saving_dkk_per_month: per citizen.
        fixed_dkk_per_citizen: a year, per citizen of the municipality, where no citizens are behind the effect.
        is_counted: whether the effect is in the totals.
    """

    key: str
    name: str
    legal_basis: str
    start: dt.date
    saving_dkk_per_month: int
    fixed_dkk_per_citizen: int = 0
    is_counted: bool = True


INITIATIVES = (
    Initiative(MOVED_HOME, "Fra midlertidigt botilbud til egen bolig", "sel_107", dt.date(2023, 7, 1), 84_000),
    Initiative(
        SUPPORTED_AT_HOME, "Mere støtte hjemme i stedet for botilbud", "residential_care", dt.date(2024, 1, 1), 45_000
    ),
    Initiative(BROUGHT_HOME, "Støtte hjemtaget fra ekstern leverandør", "sel_85_external", dt.date(2023, 7, 1), 4_000),
    Initiative("T4", "Flere sagsbehandlere", "residential_care", dt.date(2023, 1, 1), 0, fixed_dkk_per_citizen=-8_000),
    Initiative("T5", "Kørsel", "activity", dt.date(2024, 1, 1), 0, fixed_dkk_per_citizen=800, is_counted=False),
)


def budgets(code: str) -> list[Answers]:
    """The municipality's budgets of every year from 2022 on: by what its services cost when the year begins."""
    draws = Draws("extracts", "budgets", code)
    rises = price_rises(code)
    rows: list[Answers] = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        existing = sum(price_in(service, rises, year) for service in services(code) if _is_active(service, year))
        lines = {
            "existing_cases": existing * draws.between(0.88, 0.97),
            "inflow_and_outflow": existing * draws.between(0.002, 0.03),
            "refund": -existing * draws.between(0.06, 0.12),
        }
        rows += [{"year": year, "line": line, "budget_dkk": _rounded(amount)} for line, amount in lines.items()]
    return rows


def planned_changes(code: str) -> list[Answers]:
    """Who is expected to come and go in the last year, a row or none per service area and direction."""
    draws = Draws("extracts", "planned changes", code)
    rows: list[Answers] = []
    for direction, share in (("inflow", 1.0), ("outflow", 0.7)):
        for area in PLANNED_AREAS:
            citizens = round(CITIZENS[code] / CITIZENS_PER_PLANNED * share * draws.between(0, 2))
            if citizens > 0:
                kind = KINDS[area]
                price = kind.cheapest_dkk + (kind.dearest_dkk - kind.cheapest_dkk) * draws.between(0.2, 0.5)
                rows.append(
                    {
                        "year": LAST_YEAR,
                        "direction": direction,
                        "citizens": citizens,
                        "service_area": area,
                        "start_month": draws.whole(3, 11),
                        "yearly_price_dkk": _rounded(price),
                    }
                )
    return rows


def initiatives(code: str) -> list[Answers]:
    """The municipality's initiatives, a row per year from their start on; none of those that no citizen is behind."""
    draws = Draws("extracts", "initiatives", code)
    of_municipality = services(code)
    return [
        row
        for initiative in INITIATIVES
        for year in range(initiative.start.year, LAST_YEAR + 1)
        for row in _of_year(initiative, year, of_municipality, CITIZENS[code], draws)
    ]


def _of_year(
    initiative: Initiative, year: int, of_municipality: Sequence[Service], size: int, draws: Draws
) -> list[Answers]:
    starts = [s.start for s in of_municipality if s.initiative == initiative.key and s.start.year <= year]
    if not starts and not initiative.fixed_dkk_per_citizen:
        return []
    months = sum(MONTHS if start.year < year else MONTHS + 1 - start.month for start in starts)
    effect = months * initiative.saving_dkk_per_month + initiative.fixed_dkk_per_citizen * size
    return [
        {
            "initiative": initiative.key,
            "name": initiative.name,
            "legal_basis": initiative.legal_basis,
            "start_date": initiative.start,
            "citizens": len(starts),
            "saving_dkk_per_month": initiative.saving_dkk_per_month,
            "year": year,
            "estimated_effect_dkk": _rounded(effect * draws.between(0.8, 1.1)),
            "counted": "yes" if initiative.is_counted else "no",
        }
    ]


def _is_active(service: Service, year: int) -> bool:
    new_year = dt.date(year, 1, 1)
    return service.start <= new_year and (service.end is None or service.end >= new_year)


def _rounded(amount: float) -> int:
    return round(amount / STEP_DKK) * STEP_DKK
