"""The rows of the made-up grants extracts: one a price, those that overlap, and those with a fault. No file formats here.

A price changes on 1 January, and each price is a row of its own, as the extract's form says.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipelines.demo.answers import Answers
from pipelines.demo.citizens import FIRST_YEAR, LAST_YEAR, Service, services
from pipelines.demo.draws import Draws
from pipelines.demo.rows import Cell, Row

PERMILLE = 1_000
# How much dearer services get on 1 January, least and most.
RISE_PERMILLE = 18, 35
FIXED_PRICE_SHARE = 0.12
PER_YEAR = {"day": 365, "month": 12, "year": 1}
STEP_DKK = {"day": 1, "month": 10, "year": 1_000}

OVERLAPS = 2
# Services of which a second row does not lift anybody above the threshold.
OVERLAPPING = ("sel_85_own", "sel_85_external", "sel_84", "sel_97")


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which rows are wrong: the rule it breaks, the question it is about, and the cells that break it."""

    rule: str
    key: str
    wrong_cells: Callable[[Answers], Mapping[str, Cell]]


def _ends_before_it_starts(answers: Answers) -> Mapping[str, Cell]:
    return {"end_date": _date(answers, "start_date") - dt.timedelta(days=10)}


# The number that looks like a CPR number is made up: nobody's serial number is 0000.
FAULTS: tuple[Fault, ...] = (
    Fault("end_before_start", "end_date", _ends_before_it_starts),
    Fault("price", "price_dkk", lambda _: {"price_dkk": 1_234_000, "price_unit": "Dag"}),
    Fault("age", "birth_year", lambda _: {"birth_year": LAST_YEAR - 8}),
    Fault("cpr", "citizen_id", lambda _: {"citizen_id": "1207880000"}),
    Fault("date", "start_date", lambda _: {"start_date": "primo 2023"}),
    Fault("future", "start_date", lambda _: {"start_date": dt.date(LAST_YEAR + 27, 3, 1), "end_date": None}),
    Fault("option", "service_area", lambda _: {"service_area": "Botilbut"}),
    Fault("missing", "provider", lambda _: {"provider": None}),
    Fault("amount", "price_dkk", lambda _: {"price_dkk": "efter aftale"}),
)


def grant_rows(code: str, fault: Fault | None) -> list[Row]:
    """The rows of a municipality's extract, by citizen, service area and start.

    Args:
        code: the municipality.
        fault: what is wrong with one row more, of a citizen of its own: nothing else changes where it is rejected.
    """
    draws = Draws("extracts", "grants", code)
    of_municipality = services(code)
    rises = price_rises(code)
    numbers = _citizen_ids(code, 1 + max(service.citizen for service in of_municipality), draws)
    grants = [
        {"citizen_id": numbers[service.citizen], **grant}
        for service in of_municipality
        for grant in _prices(service, rises, draws)
    ]
    grants.sort(key=lambda grant: (str(grant["citizen_id"]), str(grant["service_area"]), _date(grant, "start_date")))
    _let_some_overlap(grants, draws)
    rows = [Row(grant) for grant in grants]
    if fault is not None:
        broken: Answers = {**draws.one(grants), "citizen_id": numbers[0]}
        row = Row(broken, "rejected", ((fault.rule, fault.key),), fault.wrong_cells(broken))
        rows.insert(draws.whole(1, len(rows)), row)
    return rows


def price_rises(code: str) -> list[int]:
    """How much dearer the municipality's services get on 1 January 2023, 2024 and 2025, per mille."""
    draws = Draws("extracts", "prices", code)
    return [draws.whole(*RISE_PERMILLE) for _ in range(FIRST_YEAR, LAST_YEAR)]


def price_in(service: Service, rises: Sequence[int], year: int) -> int:
    """What a service costs a year in the prices of a year, of those before 2022 as of 2022; whole kroner."""
    price = service.yearly_dkk
    for rise in rises[: max(0, year - FIRST_YEAR)]:
        price = price * (PERMILLE + rise) // PERMILLE
    return price


def _prices(service: Service, rises: Sequence[int], draws: Draws) -> Iterator[Answers]:
    """The service's grants without the citizen's key: one a price."""
    first = max(service.start.year, FIRST_YEAR)
    last = LAST_YEAR if service.end is None else min(service.end.year, LAST_YEAR)
    changes = [] if draws.happens(FIXED_PRICE_SHARE) else [dt.date(year, 1, 1) for year in range(first + 1, last + 1)]
    starts = [service.start, *changes]
    ends = [*(change - dt.timedelta(days=1) for change in changes), service.end]
    for start, end in zip(starts, ends, strict=True):
        step = STEP_DKK[service.price_unit]
        price = price_in(service, rises, start.year) / PER_YEAR[service.price_unit]
        yield {
            "birth_year": service.birth_year,
            "service_area": service.service_area,
            "provider": service.provider,
            "start_date": start,
            "end_date": end,
            "price_dkk": round(price / step) * step,
            "price_unit": service.price_unit,
            "own_payment_dkk": service.own_payment_dkk,
            "initiative": service.initiative,
        }


def _let_some_overlap(grants: Sequence[Answers], draws: Draws) -> None:
    """Lets the price before a change go on through January in a few rows, as where nobody ended it."""
    followed = [
        earlier
        for earlier, later in pairwise(grants)
        if earlier["service_area"] in OVERLAPPING
        and all(earlier[key] == later[key] for key in ("citizen_id", "service_area", "provider"))
        and _date(later, "start_date").replace(month=1, day=1) == later["start_date"]
        and (later["end_date"] is None or _date(later, "end_date").month > 1)
    ]
    for grant in draws.some(followed, OVERLAPS):
        grant["end_date"] = _date(grant, "end_date") + dt.timedelta(days=31)


def _date(answers: Answers, key: str) -> dt.date:
    answer = answers[key]
    if not isinstance(answer, dt.date):
        raise TypeError(f"{key} is no date")
    return answer


def _citizen_ids(code: str, count: int, draws: Draws) -> list[str]:
    """Pseudonyms in the municipality's own way."""
    style = draws.one(("B{n:04d}", "{code}-{n:05d}", "P{mixed:06x}", "{base}"))
    base = draws.whole(1, 80) * 1_000
    mixed = [n * 2_654_435_761 % 2**24 for n in range(count)]
    return [style.format(n=n, code=code, base=base + n, mixed=mixed[n]) for n in range(count)]
