"""The made-up citizens of the demonstration extracts and the services they have. No rows, faults or files here.

The numbers are made up; their sizes are those that municipalities publish (a botilbud at about 1.2 million kr. a year,
activity at 0.25 to 0.3 million, support at home at 0.1 to 0.2 million). Each municipality has as many citizens above the
screening's threshold on the snapshot dates of two rounds as its made-up delivery to them has cases, a few excepted.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from pipelines.demo.draws import Draws, quotas
from pipelines.demo.plan import eligible_cases
from schemas.rounds import find_round

FIRST_YEAR, LAST_YEAR = 2022, 2025
THRESHOLD_DKK = 2_000_000

# How many citizens have a service at a time.
CITIZENS = {
    "165": 95,  # Albertslund
    "183": 120,  # Ishøj
    "190": 120,  # Furesø
    "201": 95,  # Allerød
    "223": 100,  # Hørsholm
    "306": 95,  # Odsherred
    "350": 85,  # Lejre
    "430": 140,  # Faaborg-Midtfyn
    "461": 480,  # Odense
    "482": 35,  # Langeland
    "607": 150,  # Fredericia
    "671": 65,  # Struer
    "741": 12,  # Samsø
    "787": 120,  # Thisted
}

# How many more citizens are above the threshold than the municipality's delivery to the round has cases.
EARLIER_ROUND, LATER_ROUND = "2022-10-01", "2024-10-01"
DIFFERENCES = {EARLIER_ROUND: {"461": -2, "190": 1}, LATER_ROUND: {"461": 1, "223": -1, "607": 2}}

# Of those above the threshold on both dates, one in so many is exchanged for another between them.
EXCHANGED_ONE_IN = 6

# What citizens have in the first place, percent; those above the threshold come on top.
MAIN_SERVICES: dict[str, float] = {
    "sel_85_own": 24,
    "sel_107": 15,
    "sel_108": 13,
    "sel_85_external": 10,
    "abl_105_sel_85": 9,
    "sel_103": 6,
    "stu": 6,
    "sel_104": 5,
    "sel_110": 4,
    "sel_84": 2,
    "sel_96": 2,
    "sel_97": 2,
    "sel_109": 1,
    "independent_care_home": 1,
}
# More of those who come are young, and few stay long in a shelter.
MAIN_SERVICES_OF_NEW: dict[str, float] = MAIN_SERVICES | {
    "sel_107": 22,
    "sel_108": 6,
    "stu": 9,
    "sel_109": 5,
    "sel_110": 9,
}
ABOVE_THRESHOLD: dict[str, float] = {"sel_108": 55, "sel_107": 30, "abl_105_sel_85": 15}

RESIDENTIAL = ("sel_107", "sel_108", "abl_105_sel_85", "independent_care_home")
SHELTERS = ("sel_109", "sel_110")
SUPPORT_AT_HOME = ("sel_85_own", "sel_85_external")


class Kind(NamedTuple):
    """What services of an area are like: kroner a year in the prices of 2022, who provides them and how they are priced.

    Attributes:
        cheapest_dkk: the lowest yearly price.
        dearest_dkk: the highest one; a botilbud and a day programme at their highest stay below the threshold until 2024.
        providers: percent by provider.
        units: percent by what the price is per.
    """

    cheapest_dkk: int
    dearest_dkk: int
    providers: Mapping[str, float]
    units: Mapping[str, float]


_BOUGHT = {"private": 40, "other_municipality": 25, "region": 20, "own_municipality": 15}
_LOCAL = {"own_municipality": 60, "private": 25, "other_municipality": 15}
_OWN = {"own_municipality": 100}
_BY_DAY = {"day": 65, "month": 25, "year": 10}
_BY_MONTH = {"month": 70, "year": 20, "day": 10}
KINDS = {
    "sel_84": Kind(20_000, 160_000, _LOCAL, _BY_MONTH),
    "sel_96": Kind(250_000, 1_900_000, {"private": 100}, _BY_MONTH),
    "sel_107": Kind(350_000, 1_400_000, _BOUGHT, _BY_DAY),
    "sel_108": Kind(500_000, 1_400_000, _BOUGHT, _BY_DAY),
    "abl_105_sel_85": Kind(300_000, 1_200_000, _BOUGHT, _BY_DAY),
    "independent_care_home": Kind(550_000, 1_100_000, {"private": 100}, _BY_DAY),
    "sel_103": Kind(90_000, 180_000, _LOCAL, _BY_DAY),
    "sel_104": Kind(180_000, 420_000, _LOCAL, _BY_DAY),
    "sel_85_external": Kind(70_000, 260_000, {"private": 85, "other_municipality": 15}, _BY_MONTH),
    "sel_85_own": Kind(40_000, 200_000, _OWN, _BY_MONTH),
    "sel_109": Kind(450_000, 900_000, {"private": 65, "other_municipality": 35}, {"day": 100}),
    "sel_110": Kind(400_000, 850_000, {"private": 60, "other_municipality": 25, "region": 15}, {"day": 100}),
    "sel_97": Kind(15_000, 45_000, _LOCAL, _BY_MONTH),
    "stu": Kind(180_000, 480_000, {"private": 60, "own_municipality": 40}, {"year": 70, "month": 30}),
}
# The skew of prices: the larger, the fewer are dear.
SKEW = 1.7

# First and last year of age in the year of reference, and percent.
AGES: dict[str, tuple[int, int, float]] = {
    "18_24": (18, 24, 15),
    "25_34": (25, 34, 25),
    "35_44": (35, 44, 17),
    "45_54": (45, 54, 17),
    "55_66": (55, 66, 18),
    "67_plus": (67, 90, 8),
}
AGES_OF_NEW: dict[str, tuple[int, int, float]] = AGES | {"18_24": (18, 24, 45)}
AGES_ABOVE_THRESHOLD: dict[str, tuple[int, int, float]] = AGES | {"18_24": (18, 24, 27), "67_plus": (67, 84, 3)}
STUDENTS = {"18_22": (18, 22, 100.0)}

LEAVE_IN_A_YEAR = 0.09
LEAVE_TEMPORARY_IN_A_YEAR = 0.18
COME_IN_A_YEAR = 0.10
LONGEST_STUDY = dt.timedelta(days=3 * 365)
MOVED_HOME, SUPPORTED_AT_HOME, BROUGHT_HOME = "T1", "T2", "T3"
INITIATIVES_FROM = dt.date(2023, 7, 1)


@dataclass(frozen=True, slots=True)
class Service:
    """One service that a citizen has, at one price in the prices of 2022.

    `citizen` counts the municipality's citizens. `end` is the last day, None where it goes on.
    """

    citizen: int
    birth_year: int
    service_area: str
    provider: str
    start: dt.date
    end: dt.date | None
    yearly_dkk: int
    price_unit: str
    own_payment_dkk: int | None = None
    initiative: str | None = None


class _Period(NamedTuple):
    start: dt.date
    end: dt.date | None


def services(code: str) -> list[Service]:
    """What the citizens of a municipality have or had from 2022 on, the planned starts of 2025 among it; by citizen."""
    draws = Draws("extracts", "citizens", code)
    found: list[Service] = []
    of_citizens = [*_above_threshold(code, draws), *_others(code, draws)]
    for number, of_citizen in enumerate(draws.shuffled(of_citizens), start=1):
        found += [replace(service, citizen=number) for service in of_citizen]
    return found


def citizens_above_threshold(code: str) -> dict[str, int]:
    """How many citizens of a municipality cost the threshold or more on the snapshot dates of the two rounds, by round."""
    return {
        name: eligible_cases(find_round(name))[code] + DIFFERENCES[name].get(code, 0)
        for name in (EARLIER_ROUND, LATER_ROUND)
    }


def _above_threshold(code: str, draws: Draws) -> Iterator[list[Service]]:
    """Those who cost the threshold or more on one snapshot date or both; nothing of theirs starts or ends on one."""
    earlier, later = citizens_above_threshold(code).values()
    both = min(earlier, later) - min(earlier, later) // EXCHANGED_ONE_IN
    between = dt.date(2022, 11, 1), dt.date(2024, 8, 31)
    for _ in range(both):
        birth_year, start = _already_there(draws, AGES_ABOVE_THRESHOLD)
        leaves = draws.happens(0.2)
        end = _last_day(draws, dt.date(2024, 11, 1), dt.date(2025, 12, 31)) if leaves else None
        yield _dear_services(birth_year, _Period(start, end), draws)
    for _ in range(earlier - both):
        birth_year, start = _already_there(draws, AGES_ABOVE_THRESHOLD)
        dear = _dear_services(birth_year, _Period(start, _last_day(draws, *between)), draws)
        yield [*dear, *(_cheaper_from_the_day_after(dear[0], draws) if draws.happens(0.5) else [])]
    for _ in range(later - both):
        start = _first_day(draws, *between)
        birth_year = start.year - _age(draws, AGES_ABOVE_THRESHOLD)
        yield _dear_services(birth_year, _Period(start, None), draws)


def _others(code: str, draws: Draws) -> Iterator[list[Service]]:
    """All below the threshold: those who are there when 2022 begins, then those who come."""
    already_there = CITIZENS[code] - citizens_above_threshold(code)[EARLIER_ROUND]
    for area in _dealt(MAIN_SERVICES, already_there, draws):
        birth_year, start = _already_there(draws, STUDENTS if area == "stu" else AGES)
        yield _ordinary_services(area, birth_year, start, draws)
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        # Of the last year, the first two months are known, and what is planned.
        coming = round(CITIZENS[code] * COME_IN_A_YEAR / (2 if year == LAST_YEAR else 1))
        for area in _dealt(MAIN_SERVICES_OF_NEW, coming, draws):
            start = _first_day(draws, dt.date(year, 1, 1), dt.date(year, 12, 31))
            birth_year = start.year - _age(draws, STUDENTS if area == "stu" else AGES_OF_NEW)
            yield _ordinary_services(area, birth_year, start, draws)


def _dear_services(birth_year: int, period: _Period, draws: Draws) -> list[Service]:
    """A botilbud, and for half a day programme, that cost the threshold or more together."""
    if draws.happens(0.09):
        total = int(THRESHOLD_DKK * draws.between(2.05, 4.0))
    else:
        total = int(THRESHOLD_DKK * (1.02 + 0.9 * draws.between(0, 1) ** 2))
    area = draws.weighted(ABOVE_THRESHOLD)
    residential = replace(_service(area, birth_year, period, draws), yearly_dkk=total)
    if draws.happens(0.5):
        return [residential]
    activity = _service(draws.weighted({"sel_104": 85, "sel_103": 15}), birth_year, period, draws)
    return [replace(residential, yearly_dkk=total - activity.yearly_dkk), activity]


def _cheaper_from_the_day_after(dear: Service, draws: Draws) -> list[Service]:
    """Where a placement above the threshold ends and the citizen stays: the same area at an ordinary price."""
    if dear.end is None:
        return []
    start = dear.end + dt.timedelta(days=1)
    return [_service(dear.service_area, dear.birth_year, _Period(start, None), draws)]


def _ordinary_services(area: str, birth_year: int, start: dt.date, draws: Draws) -> list[Service]:
    main = _service(area, birth_year, _Period(start, _end(area, start, draws)), draws)
    if area in RESIDENTIAL:
        return [main, *_beside(main, {"sel_104": 0.42, "sel_103": 0.12}, draws), *_next(main, draws)]
    if area in SUPPORT_AT_HOME:
        first_year_of_initiative = start.year >= 2024 and area == "sel_85_own"
        if first_year_of_initiative and draws.happens(0.25):
            main = replace(main, initiative=SUPPORTED_AT_HOME)
        return [main, *_beside(main, {"sel_97": 0.14, "sel_103": 0.1, "sel_104": 0.08}, draws), *_next(main, draws)]
    return [main, *_next(main, draws)]


def _beside(main: Service, chances: Mapping[str, float], draws: Draws) -> list[Service]:
    """At most one further service that begins with the main one or in the year after, and ends with it."""
    drawn = draws.between(0, 1)
    for area, chance in chances.items():
        drawn -= chance
        if drawn < 0:
            start = main.start + dt.timedelta(days=30 * max(0, draws.whole(-6, 12)))
            is_over = main.end is not None and start > main.end
            return [] if is_over else [_service(area, main.birth_year, _Period(start, main.end), draws)]
    return []


def _next(main: Service, draws: Draws) -> list[Service]:
    """What some have from the day after a service ended: support in a home of their own, often by an initiative."""
    if main.end is None or main.end.year >= LAST_YEAR or main.service_area == "sel_85_own":
        return []
    start = main.end + dt.timedelta(days=1)
    by_initiative = start >= INITIATIVES_FROM
    chances = {"sel_107": (0.7, MOVED_HOME), "sel_85_external": (0.5, BROUGHT_HOME), "sel_110": (0.3, None)}
    chance, initiative = chances.get(main.service_area, (0, None))
    if not draws.happens(chance):
        return []
    support = _service("sel_85_own", main.birth_year, _Period(start, None), draws)
    return [replace(support, initiative=initiative if by_initiative else None)]


def _service(area: str, birth_year: int, period: _Period, draws: Draws) -> Service:
    kind = KINDS[area]
    drawn = kind.cheapest_dkk + (kind.dearest_dkk - kind.cheapest_dkk) * draws.between(0, 1) ** SKEW
    pays = area in RESIDENTIAL and draws.happens(0.7)
    return Service(
        citizen=0,
        birth_year=birth_year,
        service_area=area,
        provider=draws.weighted(kind.providers),
        start=period.start,
        end=period.end,
        yearly_dkk=int(drawn) // 1_000 * 1_000,
        price_unit=draws.weighted(kind.units),
        own_payment_dkk=draws.whole(30, 90) * 1_000 if pays else None,
    )


def _end(area: str, start: dt.date, draws: Draws) -> dt.date | None:
    """When a service ends, as it is known at the end of February 2025."""
    if area in SHELTERS:
        first = max(start, dt.date(FIRST_YEAR, 1, 1))
        return first + dt.timedelta(days=draws.whole(10, 240))
    if area == "stu":
        return max(start, dt.date(FIRST_YEAR - 2, 8, 1)) + LONGEST_STUDY
    chance = LEAVE_TEMPORARY_IN_A_YEAR if area == "sel_107" else LEAVE_IN_A_YEAR
    for year in range(max(FIRST_YEAR, start.year), LAST_YEAR + 1):
        if draws.happens(chance):
            first = max(start + dt.timedelta(days=1), dt.date(year, 1, 1))
            return _last_day(draws, min(first, dt.date(year, 12, 31)), dt.date(year, 12, 31))
    return None


def _already_there(draws: Draws, ages: Mapping[str, tuple[int, int, float]]) -> tuple[int, dt.date]:
    """Year of birth, and a start before 2022; of those who turn 18 in 2022, in it and well before the snapshot date."""
    birth_year = FIRST_YEAR - _age(draws, ages)
    earliest = max(birth_year + 18, FIRST_YEAR - 12)
    if earliest >= FIRST_YEAR:
        return birth_year, _first_day(draws, dt.date(FIRST_YEAR, 1, 1), dt.date(FIRST_YEAR, 8, 31))
    return birth_year, _first_day(draws, dt.date(earliest, 1, 1), dt.date(FIRST_YEAR - 1, 12, 31))


def _age(draws: Draws, ages: Mapping[str, tuple[int, int, float]]) -> int:
    first, last, _ = ages[draws.weighted({band: percent for band, (_, _, percent) in ages.items()})]
    return draws.whole(first, last)


def _first_day(draws: Draws, earliest: dt.date, latest: dt.date) -> dt.date:
    """A day between two, both included; more often than not the first of a month."""
    day = earliest + dt.timedelta(days=draws.whole(0, (latest - earliest).days))
    return max(day.replace(day=1), earliest) if draws.happens(0.6) else day


def _last_day(draws: Draws, earliest: dt.date, latest: dt.date) -> dt.date:
    """A day between two, both included; more often than not the last of a month."""
    day = earliest + dt.timedelta(days=draws.whole(0, (latest - earliest).days))
    if not draws.happens(0.6):
        return day
    next_month = day.replace(day=28) + dt.timedelta(days=4)
    return min(next_month.replace(day=1) - dt.timedelta(days=1), latest)


def _dealt(percents: Mapping[str, float], count: int, draws: Draws) -> list[str]:
    """Service areas to exactly their shares, in a drawn order."""
    return draws.shuffled([area for area, number in quotas(dict(percents), count).items() for _ in range(number)])
