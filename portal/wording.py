"""What pages say in Danish sentences: what is new, what a figure means, deadlines, states and reminders. Pure functions.

What belongs here: words that follow from data. What does not: labels of columns and answers (`schemas`), and the text that
stands on a page whatever the data (`templates/`). What a municipality reads here is made from the rows that it may see.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import polars as pl

from pipelines.danish import joined
from pipelines.release.contents import RATES, SHARED
from portal.danish import date, decimal, municipality_names, number
from portal.standing import State
from schemas.labels_da import CHANGE_REASONS_DA, TABLES_DA
from schemas.periods import Period
from schemas.years import Year

AnyNumber = TypeVar("AnyNumber", int, float)
_AVERAGES = f"{SHARED}/area_averages.parquet"
_COUNTRY = "area_type=country; area_code=000"
_NAMED_AT_MOST = 5
COMPARISONS = {"lower": "lavere end", "similar": "på niveau med", "higher": "højere end"}
MISSING = {
    "suppressed": "skjult",
    "not_reported": "ikke indberettet",
    "not_applicable": "ikke relevant",
}


def counted(count: int, one: str, several: str) -> str:
    """A count with its noun: `1 række`, `1.200 rækker`."""
    return f"{number(count)} {one if count == 1 else several}"


# Deadlines


def deadline(last_day: dt.date | None, today: dt.date, *, is_open: bool) -> str:
    """When deliveries are due, seen from today, and whether the round still takes them."""
    if last_day is None:
        return "Runden har ingen frist." if is_open else "Runden er lukket, og der kan ikke afleveres mere."
    days = (last_day - today).days
    if not is_open:
        return f"Fristen var {date(last_day)}. Runden er lukket, og der kan ikke afleveres mere."
    if days < 0:
        return f"Fristen var {date(last_day)}. Runden er stadig åben, og en aflevering tæller med fra den følgende nat."
    when = {0: "i dag", 1: "i morgen"}.get(days, f"om {number(days)} dage")
    return f"Fristen er {date(last_day)}, {when}."


# Figures


def count(row: Mapping[str, Any]) -> str:
    """A count of a breakdown, or in words why it is not there."""
    if row["cases"] is None:
        return MISSING[row["value_status"]]
    rounded = f" (afrundet til {row['rounding_base']})" if row["value_status"] == "rounded" else ""
    return f"{number(row['cases'])}{rounded}"


def share(row: Mapping[str, Any]) -> str:
    """A share of a breakdown in per cent, or in words why it is not there."""
    if row["share"] is None:
        return MISSING.get(row["value_status"], "ingen sager")
    rounded = " (af afrundet tal)" if row["value_status"] == "rounded" else ""
    return f"{decimal(row['share'] * 100, 1)} %{rounded}"


def rate(row: Mapping[str, Any]) -> str:
    """How sure a rate is, for people who do not know intervals."""
    return (
        f"{decimal(row['rate_per_1000'], 2)} sager pr. 1.000 18-66-årige. Små antal svinger tilfældigt. Med de samme "
        f"forhold kunne raten lige så vel være blevet et sted mellem {decimal(row['ci95_lower'], 2)} og "
        f"{decimal(row['ci95_upper'], 2)} (95 %-interval)."
    )


def rank(row: Mapping[str, Any], municipalities: int) -> str:
    """How sure a rank is."""
    return (
        f"Nr. {row['rank']} af {municipalities}, hvor nr. 1 har den højeste rate. Placeringen er usikker: Den kan være fra "
        f"nr. {row['rank_ci95_lower']} til nr. {row['rank_ci95_upper']} (95 %-interval)."
    )


def reliability(word: str) -> str:
    """Whether a rate may be read by itself."""
    if word == "reliable":
        return "Raten bygger på mindst 10 sager."
    return "Raten bygger på få sager og er usikker. Læs den sammen med intervallet."


# Management information

BASES = {"result": "resultat", "forecast": "prognose"}
DRIVERS = {
    "volume_effect_dkk": "Mængde: flere eller færre helårssager",
    "price_effect_dkk": "Pris: andre enhedsudgifter i de samme ydelser",
    "mix_effect_dkk": "Sammensætning: en anden fordeling på ydelser",
}
NO_CASES, NO_INTERVAL, NO_BUDGET = "ingen sager", "intet interval", "intet budget"
MONTHS = (
    *("januar", "februar", "marts", "april", "maj", "juni"),
    *("juli", "august", "september", "oktober", "november", "december"),
)


def basis(year: str, of: str, as_of: str) -> str:
    """Whether the figures of a year are a result or a forecast, as of which day (ISO 8601)."""
    day = date(dt.date.fromisoformat(as_of))
    if of == "result":
        return f"Tallene er et resultat: Udtrækket er fra {day}, efter udgangen af {year}."
    return (
        f"Tallene er en prognose pr. {day}: Udtrækket er fra før udgangen af {year}. Bevillinger uden slutdato er regnet med "
        "til årets udgang."
    )


def basis_of_all(of: str) -> str:
    """The same of the participants together."""
    if of == "result":
        return "Tallene er et resultat: Alle kommunernes udtræk er fra efter årets udgang."
    return (
        "Tallene er en prognose: Mindst én kommunes udtræk er fra før årets udgang, og bevillinger uden slutdato er regnet "
        "med til årets udgang."
    )


def million(dkk: int) -> str:
    """Kroner as millions with three decimals; less than half of the last is nothing, on either side."""
    shown = decimal(dkk / 1_000_000, 3)
    return shown.removeprefix("-") if shown == "-0,000" else shown


def signed(text: str) -> str:
    """A number as it is written, with its sign even where it is above zero."""
    return text if text.startswith("-") or not text.strip("0,.") else f"+{text}"


def volume(row: Mapping[str, Any]) -> str:
    """Full-year cases per 1,000 residents of a benchmark, or in words why they are not there."""
    if row["full_year_cases_per_1000"] is None:
        return MISSING[row["value_status"]]
    return decimal(row["full_year_cases_per_1000"], 2)


def unit_cost(row: Mapping[str, Any]) -> str:
    """A unit cost of a benchmark in kroner, or in words why it is not there."""
    if row["unit_cost_dkk"] is None:
        return NO_CASES if row["unit_cost_status"] == "not_applicable" else MISSING[row["unit_cost_status"]]
    return number(row["unit_cost_dkk"])


def rounding(row: Mapping[str, Any]) -> str:
    """What a shared unit cost is rounded to in kroner, or in words why there is none."""
    step = row["unit_cost_rounding_dkk"]
    return unit_cost(row) if step is None else number(step)


def interval(lower: AnyNumber | None, upper: AnyNumber | None, shown: Callable[[AnyNumber], str]) -> str:
    """The limits of an interval, each as `shown`; in words where too few cases are behind it, or it is hidden."""
    return f"{shown(lower)} til {shown(upper)}" if lower is not None and upper is not None else NO_INTERVAL


def compared(comparison: str | None, area: str) -> str:
    """How a figure compares with an area's; in words where one of them is not there."""
    return f"{COMPARISONS[comparison]} {area}" if comparison is not None else "kan ikke sammenlignes"


def deviation(total: Mapping[str, Any], beginning: str) -> str:
    """A sum of the forecast beside its budget.

    Args:
        total: the row of the sum.
        beginning: how the sentence begins.
    """
    word = "udgiften" if total["basis"] == "result" else "den ventede udgift"
    told = f"{beginning} er {word} {million(total['forecast_dkk'])} mio. kr."
    if total["deviation_dkk"] is None:
        return f"{told} Der er intet budget at holde den op imod."
    if total["deviation_dkk"] == 0:
        return f"{told}, det samme som budgettet."
    than = "mere" if total["deviation_dkk"] > 0 else "mindre"
    return f"{told}, {million(abs(total['deviation_dkk']))} mio. kr. {than} end budgettet."


def refund(row: Mapping[str, Any]) -> str:
    """The state refund of a year, and for how many citizens."""
    word = "er" if row["basis"] == "result" else "ventes at blive"
    return (
        f"Refusionen for særligt dyre enkeltsager (SEL § 176) {word} {number(row['refund_dkk'])} kr. for "
        f"{counted(row['citizens'], 'borger', 'borgere')}."
    )


def to_mend(rejected: int, overlapping: int, refused: int) -> str:
    """What there is to mend in the extracts of a municipality: rejected rows, overlapping grants and refused files."""
    parts = [
        (rejected, counted(rejected, "række er afvist", "rækker er afvist")),
        (overlapping, counted(overlapping, "bevilling overlapper en anden", "bevillinger overlapper andre")),
        (refused, counted(refused, "fil er afvist", "filer er afvist")),
    ]
    return f"{joined(words for count, words in parts if count)}."


def reconciled(row: Mapping[str, Any]) -> str:
    """Cases over the threshold by the grants beside those reported to the screening."""
    if row["cases_reported"] is None:
        return "Din kommune har ikke indberettet i en screening, der er opgjort i samme år."
    if row["difference"] == 0:
        return "Bevillingerne og screeningen giver det samme antal."
    than = "flere" if row["difference"] > 0 else "færre"
    one, several = f"sag {than}", f"sager {than}"
    return (
        f"Bevillingerne giver {counted(abs(row['difference']), one, several)} end screeningen. Gå forskellen igennem: En "
        "bevilling kan mangle en slutdato eller have en forkert pris, eller en sag kan mangle i indberetningen."
    )


def change(row: Mapping[str, Any]) -> str:
    """How the cost of a year differs from that of the year before."""
    by = row["later_cost_dkk"] - row["earlier_cost_dkk"]
    years = f"fra {row['year'] - 1} til {row['year']}"
    if by == 0:
        return f"Udgiften er den samme {years}."
    return f"Udgiften {'stiger' if by > 0 else 'falder'} {years} med {number(abs(by))} kr. i løbende priser."


# What is new


def first(period: Period) -> str:
    """What is new in the first release of a round or year."""
    return f"Det er {'årets' if isinstance(period, Year) else 'rundens'} første udgivelse."


def visible(changes: pl.DataFrame, code: str) -> pl.DataFrame:
    """The changes that a municipality may know of: those of shared files and of its own."""
    file = pl.col("file")
    return changes.filter(file.str.starts_with(f"{SHARED}/") | file.str.starts_with(f"municipalities/{code}/"))


def news(changes: pl.DataFrame, names: Mapping[str, str], own: str | None) -> list[str]:
    """What is new in a release since the one before, in sentences.

    Args:
        changes: its changes, one row per value; for a municipality only those that are `visible` to it.
        names: names of municipalities by code.
        own: the code of the municipality that reads; None for KL.
    """
    if changes.is_empty():
        return ["Ingen tal er ændret siden den forrige udgivelse."]
    rates = _of(changes, RATES)
    told = _participants(rates, names, own)
    if not _is_new(rates, own):  # which may not see what the release before said
        told += [*_own_figures(rates, own), *_pooled_rate(changes)]
    why = joined(_reasons(changes))
    return [*told, f"Årsag til ændringerne: {why}."] if told else [f"Enkelte tal er ændret. Årsag: {why}."]


def _of(changes: pl.DataFrame, file: str) -> pl.DataFrame:
    return changes.filter(pl.col("file") == file)


def _participants(rates: pl.DataFrame, names: Mapping[str, str], own: str | None) -> list[str]:
    """Municipalities that came or went: those whose rows did."""
    cases = rates.filter(pl.col("column") == "cases")
    came = _municipalities(cases.filter(pl.col("old").is_null()))
    gone = _municipalities(cases.filter(pl.col("new").is_null()))
    told = []
    if own in came:
        told.append("Din kommune er med for første gang.")
        came.remove(own)
    if came:
        told.append(f"Nye i opgørelsen: {_named(came, names)}.")
    if gone:
        told.append(f"Ikke længere med i opgørelsen: {_named(gone, names)}.")
    return told


def _is_new(rates: pl.DataFrame, own: str | None) -> bool:
    """Whether a municipality takes part for the first time."""
    rows = rates.filter(pl.col("column") == "cases", pl.col("old").is_null())
    return own in _municipalities(rows)


def _municipalities(rows: pl.DataFrame) -> list[str]:
    return rows["key"].str.strip_prefix("municipality_code=").to_list()


def _named(codes: list[str], names: Mapping[str, str]) -> str:
    if len(codes) > _NAMED_AT_MOST:
        return f"{number(len(codes))} kommuner"
    return joined(sorted(names[code] for code in codes))


def _own_figures(rates: pl.DataFrame, own: str | None) -> list[str]:
    changed = _pairs(rates.filter(pl.col("key") == f"municipality_code={own}"))
    told = []
    if "cases" in changed:
        old, new = (number(int(value)) for value in changed["cases"])
        told.append(f"Antallet af sager i din kommune er ændret fra {old} til {new}.")
    if "population_18_66" in changed:
        old, new = (number(int(value)) for value in changed["population_18_66"])
        told.append(f"Befolkningstallet for din kommune er ændret fra {old} til {new}.")
    if "rate_per_1000" in changed:
        old, new = (decimal(float(value), 2) for value in changed["rate_per_1000"])
        told.append(f"Din kommunes rate er ændret fra {old} til {new} sager pr. 1.000 18-66-årige.")
    if "rank" in changed:
        old, new = changed["rank"]
        told.append(f"Din kommunes placering er ændret fra nr. {old} til nr. {new}.")
    return told


def _pooled_rate(changes: pl.DataFrame) -> list[str]:
    changed = _pairs(_of(changes, _AVERAGES).filter(pl.col("key") == _COUNTRY))
    if "pooled_rate_per_1000" not in changed:
        return []
    old, new = (decimal(float(value), 2) for value in changed["pooled_rate_per_1000"])
    return [f"Den samlede rate for hele landet er ændret fra {old} til {new} sager pr. 1.000 18-66-årige."]


def _pairs(rows: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """The two values by column, where there are two."""
    both = rows.filter(pl.col("old").is_not_null() & pl.col("new").is_not_null())
    return {column: (old, new) for column, old, new in both.select("column", "old", "new").iter_rows()}


def _reasons(changes: pl.DataFrame) -> list[str]:
    given = {reason for joined_reasons in changes["reason"].unique() for reason in joined_reasons.split("+")}
    return [words for reason, words in CHANGE_REASONS_DA.items() if reason in given]


def changed_tables(changes: pl.DataFrame) -> list[str]:
    """How many rows of each table differ from the release before, in words; the rows as in `news`."""
    rows = changes.select("file", "key").unique()
    table = pl.col("file").str.split("/").list.last().str.strip_suffix(".parquet")
    counts = rows.group_by(table.alias("table")).len().rows()
    return sorted(f"{TABLES_DA[name].title}: {counted(count, 'række', 'rækker')}" for name, count in counts)


# The quality gate


def table(name: str) -> str:
    """What a table is called; its name where it is called nothing, since old releases tell of what is no more."""
    return TABLES_DA[name].title if name in TABLES_DA else name


def met(expectations: int, of: int) -> str:
    """How many expectations the tables meet."""
    return f"{number(expectations)} af {counted(of, 'forventning', 'forventninger')} er opfyldt."


def open_warnings(count: int) -> str:
    """How many warnings nobody has accepted yet."""
    return f"{counted(count, 'advarsel', 'advarsler') if count else 'Ingen advarsler'} mangler godkendelse."


def extent(checked: int, failing: int) -> str:
    """How many rows an expectation looked at, and how many do not meet it."""
    if failing:
        return f"{number(failing)} af {counted(checked, 'række', 'rækker')} passer ikke."
    return f"{counted(checked, 'række', 'rækker')} undersøgt."


def places(keys: Iterable[str]) -> list[str]:
    """Where an expectation is not met: municipalities by name beside their code, everything else as it is."""
    names = municipality_names()
    return [f"{names[key]} ({key})" if key in names else key for key in keys]


# Handing in


class Reminder(NamedTuple):
    """What a reminder is about: where a municipality stands, with counts and never a case.

    Attributes:
        municipality: its name in full.
        round_date: the round's snapshot date.
        last_day: the round's deadline; None where it has none.
        state: where it stands.
        faulty_rows: how many rows of the delivery that counts are rejected.
        address: where it hands in.
    """

    municipality: str
    round_date: dt.date
    last_day: dt.date | None
    state: State
    faulty_rows: int
    address: str


STATES: dict[State, str] = {
    "missing": "mangler",
    "pending": "afventer nattens kørsel",
    "rejected": "seneste fil afvist",
    "faulty": "rækker afvist",
    "complete": "i orden",
}


def reminder(about: Reminder, today: dt.date) -> str | None:
    """A text ready to send; None where there is nothing to remind of."""
    match about.state:
        case "missing":
            subject, body = _missing(about, today)
        case "rejected":
            subject, body = _rejected_file(about, today)
        case "faulty":
            subject, body = _rejected_rows(about, today)
        case _:
            return None
    return f"""Emne: Botilbudsbenchmark pr. {date(about.round_date)}: {subject}

Til {about.municipality}

{body}

I afleverer her: {about.address}
Har I spørgsmål, så kontakt KL.

Venlig hilsen
KL
"""


def _due(about: Reminder, today: dt.date) -> str:
    if about.last_day is None:
        return "Runden er stadig åben."
    if today > about.last_day:
        return f"Fristen var {date(about.last_day)}, men runden er stadig åben."
    return f"Fristen er {date(about.last_day)}."


def _missing(about: Reminder, today: dt.date) -> tuple[str, str]:
    return "aflevering mangler", (
        f"Vi har endnu ikke modtaget en aflevering fra {about.municipality}. {_due(about, today)} Har I ingen sager at "
        "indberette, så aflever en nulindberetning: Skriv 0 på skemaets forside, og aflever skemaet."
    )


def _rejected_file(about: Reminder, today: dt.date) -> tuple[str, str]:
    return "filen er afvist", (
        f"Den seneste fil fra {about.municipality} er afvist og tæller ikke med. Årsagen står på afleveringssiden. Ret filen, "
        f"og aflever den igen. {_due(about, today)}"
    )


def _rejected_rows(about: Reminder, today: dt.date) -> tuple[str, str]:
    count = counted(about.faulty_rows, "række", "rækker")
    them = "Den afviste række" if about.faulty_rows == 1 else "De afviste rækker"
    return f"{count} afvist", (
        f"Afleveringen fra {about.municipality} er modtaget, men {count} er afvist. {them} tæller ikke med. Hent regnearket "
        "correction.xlsx på siden for rundens seneste udgivelse. Her er fejlene markeret. Ret dem, og aflever regnearket "
        f"igen. {_due(about, today)}"
    )
