"""What the reports of a survey round say of all municipalities together: a paragraph for each thing, and each way it can be.

What belongs here: sentences, each number of which is looked up. What does not: what is said of one municipality
(`sentences`) and below every report (`guide`).
"""

import datetime as dt

import polars as pl

from pipelines.benchmark.areas import COUNTRY_CODE
from pipelines.danish import date, joined, noun
from pipelines.reports.document import Paragraph, Source
from pipelines.reports.lookup import (
    CHANGE_SUMMARY,
    COUNTRY,
    RATE_SUMMARY,
    Tables,
    find,
    of_country,
    of_round,
    row,
    said,
    together,
)
from pipelines.statistics.comparison import HIGHER, LOWER, SIMILAR
from pipelines.statistics.rounds import SNAPSHOT_WARNING
from schemas.labels_da import CHANGE_REASONS_DA
from schemas.rounds import Round

_NAMED_AT_MOST = 3
_SMALL = "så lille, at enkeltpersoner kunne genkendes"
# By finding: what it says of the share of cases, up to the count in brackets.
_FINDINGS = {
    "under_35": "# % af sagerne er borgere under 35 år",
    "above_threshold_since_age_18": "I # % af sagerne har udgiften været over beløbsgrænsen siden borgerens 18. år",
    "intellectual_disability": (
        "I # % af sagerne er borgerens målgruppe udviklingshæmning eller autismespektrumforstyrrelse med udviklingshæmning"
    ),
    "behaviour_decisive": "I # % af sagerne er borgerens adfærd udslagsgivende for tilbuddet",
    "sentence": "I # % af sagerne har borgeren en dom til foranstaltning",
    "only_existing_choice": "I # % af sagerne var det eksisterende botilbud eneste valgmulighed ved visitationen",
    "provider_municipal": "I # % af sagerne driver en kommune botilbuddet",
    "provider_regional": "I # % af sagerne driver en region botilbuddet",
    "provider_private": "I # % af sagerne er botilbuddet privat",
    "over_8_places": "I # % af sagerne har botilbuddet over 8 pladser",
    "alone_in_placement": "I # % af sagerne er borgeren alene i tilbuddet",
    "viso_involved": "I # % af sagerne har VISO været involveret",
    "special_psychiatric_place": "I # % af sagerne er særlige pladser i psykiatrien anvendt",
}


def cases(count: int) -> str:
    """What so many cases are called."""
    return noun(count, "sag", "sager")


def day(round_name: str) -> str:
    """A round's snapshot date as people read it."""
    return date(dt.date.fromisoformat(round_name))


def _summary(column: str) -> Source:
    return Source(RATE_SUMMARY, {}, column)


def extent(named: Tables, round_: Round) -> Paragraph:
    """How many take part with how many cases, what a case is, and on which day."""
    country = row(named, "area_averages", **COUNTRY)
    return said(
        named,
        f"# {noun(country['municipalities'], 'kommune', 'kommuner')} har tilsammen # "
        f"{noun(country['cases'], 'medregnet sag', 'medregnede sager')}: borgere i botilbud {day(round_.name)}, hvis botilbud "
        "og dagtilbud kostede # kr. eller mere om året, før statsrefusion.",
        of_country("municipalities"),
        of_country("cases"),
        of_round("threshold_dkk"),
    )


def nobody() -> Paragraph:
    """That no municipality takes part."""
    return Paragraph("Ingen kommuner er med i opgørelsen endnu.")


def participation(named: Tables) -> Paragraph:
    """How many of the country's municipalities take part, those included that another one reports for."""
    return said(
        named,
        "# af landets # kommuner er med. En kommune, der ikke er med, kan godt have sager.",
        _summary("participants"),
        of_round("municipalities"),
    )


def averages(named: Tables) -> Paragraph:
    """The two averages, each by its name."""
    return said(
        named,
        "Samlet er der # sager pr. 1.000 18-66-årige: alle sager delt med alle indbyggere. Gennemsnittet af kommunernes "
        "rater, hvor hver kommune tæller lige meget, er #.",
        of_country("pooled_rate_per_1000"),
        of_country("unweighted_mean_rate_per_1000"),
    )


def spread(named: Tables) -> Paragraph | None:
    """How many times the lowest rate the highest is; None where fewer than two municipalities have cases."""
    found = row(named, RATE_SUMMARY)
    if found["with_cases"] < 2:
        return None
    rates = named["case_rates"]
    if found["times_lowest"] == 1:
        equal = said(named, "Alle kommuner med sager har samme rate, #.", _summary("highest_rate_per_1000"))
        return together(equal, _without_cases(named, found["without_cases"]))
    highest, lowest = (_with_rate(rates, found[f"{end}_rate_per_1000"]) for end in ("highest", "lowest"))
    many = found["whole_times"] >= 2
    times = "mere end # gange så høj som" if many else "# gange"
    told = said(
        named,
        f"Den højeste rate er {times} den laveste blandt kommuner med sager: # i {highest} og # i {lowest}.",
        _summary("whole_times" if many else "times_lowest"),
        _summary("highest_rate_per_1000"),
        _summary("lowest_rate_per_1000"),
    )
    return together(told, _without_cases(named, found["without_cases"]))


def _with_rate(rates: pl.DataFrame, of_rate: float) -> str:
    names = rates.filter(pl.col("rate_per_1000") == of_rate)["municipality_name"].to_list()
    return joined(names) if len(names) <= _NAMED_AT_MOST else "flere kommuner"


def _without_cases(named: Tables, count: int) -> Paragraph | None:
    if not count:
        return None
    return said(named, f"# {noun(count, 'kommune', 'kommuner')} har ingen sager.", _summary("without_cases"))


def differing(named: Tables) -> Paragraph:
    """How many municipalities differ from the country's rate beyond chance, by interval and by funnel."""
    return said(
        named,
        "Hele 95 %-intervallet ligger over den samlede rate hos # og under den hos # af # kommuner. I tragtdiagrammet ligger # "
        "uden for 95 %-grænserne; tilfældighed alene giver i gennemsnit højst #.",
        _summary("higher"),
        _summary("lower"),
        of_country("municipalities"),
        _summary("outside_95"),
        _summary("expected_outside_95"),
    )


def finding(named: Tables, code: str) -> Paragraph:
    """A headline finding: the share of cases, numerator and denominator, and its interval; or why it is not shown."""
    found = row(named, "key_findings", finding=code)
    label = found["label_da"]

    def of(column: str) -> Source:
        return Source("key_findings", {"finding": code}, column)

    if found["numerator"] is None:
        return Paragraph(f"”{label}” er skjult: Tallet findes, men er {_SMALL}, eller kunne røbe et, der er.")
    if found["share"] is None:
        return Paragraph(f"”{label}”: Der er ingen sager at opgøre.")
    text = _FINDINGS.get(code, f"”{label}” gælder # % af sagerne")
    return said(
        named,
        f"{text} (# af # sager; 95 %-interval # til # %).",
        *(of(column) for column in ("share", "numerator", "denominator", "share_ci95_lower", "share_ci95_upper")),
    )


def since_round_before(named: Tables) -> list[Paragraph]:
    """Which municipalities' rates differ from the round before by more than chance, and what two snapshots do not say."""
    changes = named["round_changes"]
    beyond = changes.filter(pl.col("change") != SIMILAR)
    earlier = f"runden {day(changes['earlier_round'][0])}"
    if beyond.is_empty():
        told = [
            Paragraph(f"Ingen kommunes rate er anderledes end i {earlier}, når der tages højde for tilfældige udsving.")
        ]
    else:
        told = [
            Paragraph(
                f"Disse kommuners rate er anderledes end i {earlier}, også når der tages højde for tilfældige udsving."
            ),
            *(change_of(named, code) for code in beyond["municipality_code"]),
        ]
    return [*told, Paragraph(SNAPSHOT_WARNING)]


def change_of(named: Tables, code: str) -> Paragraph:
    """A municipality's rates in both rounds."""
    found = row(named, "round_changes", municipality_code=code)

    def of(column: str) -> Source:
        return Source("round_changes", {"municipality_code": code}, column)

    word = {LOWER: "lavere", SIMILAR: "omtrent som sidst", HIGHER: "højere"}[found["change"]]
    return said(
        named,
        f"{found['municipality_name']}: {word}, fra # til # sager pr. 1.000 18-66-årige.",
        of("earlier_rate_per_1000"),
        of("later_rate_per_1000"),
    )


def news(named: Tables) -> list[Paragraph]:
    """What is new since the round's release before; nothing where there was none."""
    if CHANGE_SUMMARY not in named:
        return []
    changes, summary = named["changes"], row(named, CHANGE_SUMMARY)
    if changes.is_empty():
        return [Paragraph("Ingen tal er ændret siden rundens forrige udgivelse.")]
    told = []
    for column, text in (("came", "er kommet til siden rundens forrige udgivelse"), ("gone", "er ikke længere med")):
        if summary[column]:
            words = noun(summary[column], "kommune", "kommuner")
            told.append(said(named, f"# {words} {text}.", Source(CHANGE_SUMMARY, {}, column)))
    pooled = {
        "file": "shared/area_averages.parquet",
        "key": f"area_type=country; area_code={COUNTRY_CODE}",
        "column": "pooled_rate_per_1000",
    }
    found = find(named, "changes", **pooled)
    if found and found["old"] is not None and found["new"] is not None:
        told.append(
            said(
                named,
                "Den samlede rate er ændret fra # til # siden rundens forrige udgivelse.",
                Source("changes", pooled, "old"),
                Source("changes", pooled, "new"),
            )
        )
    given = {reason for reasons in changes["reason"].unique() for reason in reasons.split("+")}
    why = joined(words for reason, words in CHANGE_REASONS_DA.items() if reason in given)
    return [*told, Paragraph(f"Årsag til ændringerne siden rundens forrige udgivelse: {why}.")]


def first_round(named: Tables) -> Paragraph | None:
    """That there is no round before; None where there is one."""
    if not named["round_changes"].is_empty():
        return None
    return Paragraph(
        "Der er ingen tidligere runde at sammenligne med. Tallene er et øjebliksbillede og siger intet om udvikling."
    )


def few_participants(named: Tables, round_: Round) -> Paragraph | None:
    """That there are too few participants to say much of all; None where there are enough."""
    participants = named["case_rates"].height
    enough = max(round_.disclosure_threshold, round_.breakdowns_from_participants)
    if participants >= enough:
        return None
    return said(
        named,
        f"Kun # {noun(participants, 'kommune', 'kommuner')} er med i opgørelsen. ”Hele landet” er alene "
        f"{noun(participants, 'den', 'dem')}, og fordelingerne for hele landet er skjult, til flere er med.",
        of_country("municipalities"),
    )
