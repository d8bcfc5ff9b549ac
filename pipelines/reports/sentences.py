"""What the reports of a survey round say of one municipality: a paragraph for each thing, and for each way it can be.

What belongs here: sentences, each number of which is looked up. What does not: what is said of all municipalities
(`findings`) and below every report (`guide`), and which sentences a report holds. Nothing is praised or blamed: more is not
worse.
"""

from typing import Any, NamedTuple

import polars as pl

from pipelines.danish import joined, municipality_names, noun
from pipelines.plots.published import SHOWN
from pipelines.plots.words import not_shown
from pipelines.reports.document import Paragraph, Source
from pipelines.reports.findings import cases, day
from pipelines.reports.lookup import (
    COUNTRY,
    REJECTED_SUMMARY,
    Tables,
    find,
    of_country,
    of_municipality,
    of_round,
    row,
    said,
    together,
)
from pipelines.statistics.comparison import HIGHER, LOWER, SIMILAR, compared_with
from pipelines.statistics.intervals import rate_interval
from pipelines.statistics.rounds import SNAPSHOT_WARNING
from schemas.questionnaire import Catalogue

WORDS = {LOWER: "lavere end", SIMILAR: "omtrent som", HIGHER: "højere end"}
_MOST_CASES = 3
_MOVES = 0.1  # a rank that moves by more than this part of all places is another picture


def rate(named: Tables, code: str) -> Paragraph:
    """How many cases a municipality has, of how many residents, and the rate; without cases, that there are none."""
    own = row(named, "case_rates", municipality_code=code)
    name = own["municipality_name"]
    if own["cases"] == 0:
        return said(
            named,
            f"{name} har ingen medregnede sager blandt # indbyggere på 18-66 år. Raten er derfor # sager pr. 1.000 "
            "18-66-årige.",
            of_municipality(code, "population_18_66"),
            of_municipality(code, "rate_per_1000"),
        )
    return said(
        named,
        f"{name} har # {noun(own['cases'], 'medregnet sag', 'medregnede sager')} blandt # indbyggere på 18-66 år. Det er # "
        "sager pr. 1.000 18-66-årige.",
        of_municipality(code, "cases"),
        of_municipality(code, "population_18_66"),
        of_municipality(code, "rate_per_1000"),
    )


def interval(named: Tables, code: str) -> Paragraph:
    """How sure the rate is, for people who do not know intervals."""
    if row(named, "case_rates", municipality_code=code)["cases"] == 0:
        return said(
            named,
            "Ingen sager på opgørelsesdatoen betyder ikke, at der aldrig er nogen: Med de samme forhold kunne raten lige så "
            "vel være blevet op til # (95 %-interval).",
            of_municipality(code, "ci95_upper"),
        )
    return said(
        named,
        "Små antal svinger tilfældigt: Med de samme forhold kunne raten lige så vel være blevet et sted mellem # og # "
        "(95 %-interval).",
        of_municipality(code, "ci95_lower"),
        of_municipality(code, "ci95_upper"),
    )


def reliability(named: Tables, code: str) -> Paragraph:
    """Whether the rate may be read by itself."""
    if row(named, "case_rates", municipality_code=code)["reliability"] == "reliable":
        return Paragraph("Raten bygger på mindst 10 sager.")
    return Paragraph("Raten bygger på få sager og er usikker. Læs den altid sammen med intervallet.")


class _Area(NamedTuple):
    """An area that a rate is compared with: its key, what it is called, and the word of the comparison."""

    key: dict[str, str]
    name: str
    word: str


def with_country(named: Tables, code: str) -> Paragraph:
    """The rate against the country's pooled rate, by the word of its interval."""
    word = row(named, "case_rates", municipality_code=code)["comparison_country"]
    return _compared(named, [_Area(COUNTRY, "hele landet", word)])


def with_region_and_group(named: Tables, code: str) -> Paragraph:
    """The rate against the pooled rates of the region and the municipality group, by the words of its interval."""
    own = row(named, "case_rates", municipality_code=code)
    areas = [
        _Area({"area_type": "region", "area_code": own["region_code"]}, own["region_name"], own["comparison_region"]),
        _Area(
            {"area_type": "municipality_group", "area_code": own["municipality_group_code"]},
            f"kommunegruppen {own['municipality_group']}",
            own["comparison_municipality_group"],
        ),
    ]
    if areas[0].word == areas[1].word:
        return _compared(named, areas)
    return together(*(_compared(named, [area]) for area in areas))


def _compared(named: Tables, areas: list[_Area]) -> Paragraph:
    """A sentence for areas with the same word, and one for each in which nobody else takes part."""
    alone = [area for area in areas if row(named, "area_averages", **area.key)["municipalities"] == 1]
    others = [area for area in areas if area not in alone]
    told = [
        Paragraph(f"I {area.name} er ingen andre kommuner med, så der er ingen at sammenligne med.") for area in alone
    ]
    if others:
        word, several = others[0].word, len(others) > 1
        why = {
            LOWER: f"Hele 95 %-intervallet ligger under {'dem' if several else 'den'}.",
            SIMILAR: "Forskellene kan være tilfældige." if several else "Forskellen kan være tilfældig.",
            HIGHER: f"Hele 95 %-intervallet ligger over {'dem' if several else 'den'}.",
        }
        places = " og i ".join(f"{area.name} (samlet #)" for area in others)
        sources = (Source("area_averages", area.key, "pooled_rate_per_1000") for area in others)
        told.insert(0, said(named, f"Raten er {WORDS[word]} i {places}. {why[word]}", *sources))
    return together(*told)


def rank(named: Tables, code: str) -> Paragraph | None:
    """The rank with how uncertain it is; None where nobody else takes part."""
    own = row(named, "case_rates", municipality_code=code)
    rates = named["case_rates"]
    if rates.height == 1:
        return None
    shared = rates.filter(pl.col("rank") == own["rank"]).height > 1
    place = "deler placering nr. #" if shared else "er nr. #"
    return said(
        named,
        f"{own['municipality_name']} {place} af # kommuner, når nr. 1 er den højeste rate. Placeringen er usikker: Den kan "
        "være fra nr. # til nr. # (95 %-interval).",
        of_municipality(code, "rank"),
        of_country("municipalities"),
        of_municipality(code, "rank_ci95_lower"),
        of_municipality(code, "rank_ci95_upper"),
    )


def is_sensitive(named: Tables, code: str) -> bool:
    """Whether 2-3 citizens more or fewer change the picture.

    They do where the rank moves by more than a tenth of all places (at least one), or the comparison with the country
    becomes another.
    """
    own, rates = row(named, "case_rates", municipality_code=code), named["case_rates"]
    ranks = [own[f"rank_if_{way}_{_MOST_CASES}"] for way in ("plus", "minus")]
    moves = any(abs(place - own["rank"]) > max(1, _MOVES * rates.height) for place in ranks)
    return moves or any(word != own["comparison_country"] for word in _words_if(named, own).values())


def _words_if(named: Tables, own: dict[str, Any]) -> dict[int, str]:
    """The comparison with the country with so many cases more (or fewer, but never fewer than none), all others as they are."""
    country = row(named, "area_averages", **COUNTRY)
    words = {}
    for change in (-_MOST_CASES, _MOST_CASES):
        number = max(0, own["cases"] + change)
        pooled = (country["cases"] - own["cases"] + number) / country["population_18_66"] * 1_000
        words[change] = str(compared_with(rate_interval(number, own["population_18_66"]), pooled))
    return words


def sensitivity(named: Tables, code: str) -> Paragraph | None:
    """What 3 citizens more or fewer would do to rank and comparison; None where nobody else takes part."""
    own = row(named, "case_rates", municipality_code=code)
    if named["case_rates"].height == 1:
        return None
    words = _words_if(named, own)
    than_now = {
        change: f" og raten {WORDS[word]} i hele landet" if word != own["comparison_country"] else ""
        for change, word in words.items()
    }
    more = said(
        named,
        f"Med 3 borgere flere ville kommunen være nr. #{than_now[_MOST_CASES]}.",
        of_municipality(code, f"rank_if_plus_{_MOST_CASES}"),
    )
    if own["cases"] == 0:
        return more
    fewer = "Uden sager" if own["cases"] <= _MOST_CASES else "Med 3 borgere færre"
    return together(
        more,
        said(
            named,
            f"{fewer} ville den være nr. #{than_now[-_MOST_CASES]}.",
            of_municipality(code, f"rank_if_minus_{_MOST_CASES}"),
        ),
    )


def funnel(named: Tables, code: str) -> Paragraph | None:
    """Whether chance alone may explain the distance to the country's rate; None where nobody else takes part."""
    own = row(named, "case_rates", municipality_code=code)
    if named["case_rates"].height == 1:
        return None
    name, label = own["municipality_name"], own["funnel_label"]
    if label == "within":
        return Paragraph(
            f"Afstanden til den samlede rate kan være tilfældig: {name} ligger inden for de 95 %-grænser, som kommuner af "
            "samme størrelse holder sig inden for, når alene tilfældet råder."
        )
    side = "over" if label.startswith("above") else "under"
    limit, odds = ("99,8 %-grænsen", "1 ud af 1.000 ") if label.endswith("998") else ("95 %-grænsen", "1 ud af 40 ")
    usual = {
        True: "Når der tages højde for, at kommuner reelt er forskellige, ligger kommunen inden for grænserne.",
        False: "Det gælder også, når der tages højde for, at kommuner reelt er forskellige.",
    }[own["funnel_label_overdispersed"] == "within"]
    return Paragraph(
        f"Tilfældighed alene forklarer næppe afstanden til den samlede rate: {name} ligger {side} {limit}. Så langt ude på den "
        f"side ville højst {odds}kommuner ligge, hvis alene tilfældet rådede. {usual}"
    )


def change_since(named: Tables, code: str) -> Paragraph | None:
    """The rate in the round before and in this one; None where there is no round before."""
    changes = named["round_changes"]
    if changes.is_empty():
        return None
    name = row(named, "case_rates", municipality_code=code)["municipality_name"]
    found = find(named, "round_changes", municipality_code=code)
    earlier = f"runden {day(changes['earlier_round'][0])}"
    if found is None:
        return Paragraph(f"{name} var ikke med i {earlier}, så der er ikke noget at sammenligne med.")

    def of(column: str) -> Source:
        return Source("round_changes", {"municipality_code": code}, column)

    told = said(
        named,
        f"I {earlier} havde {name} # {cases(found['earlier_cases'])} (# pr. 1.000 18-66-årige), i denne runde # (#).",
        of("earlier_cases"),
        of("earlier_rate_per_1000"),
        of("later_cases"),
        of("later_rate_per_1000"),
    )
    words = {
        LOWER: "Raten er lavere end sidst, også når der tages højde for tilfældige udsving.",
        SIMILAR: "Forskellen kan være tilfældig.",
        HIGHER: "Raten er højere end sidst, også når der tages højde for tilfældige udsving.",
    }
    return together(told, Paragraph(words[found["change"]]), Paragraph(SNAPSHOT_WARNING))


def reports_for(named: Tables, code: str) -> Paragraph | None:
    """For whom a municipality also reports; None where it reports for itself alone."""
    own = row(named, "case_rates", municipality_code=code)
    if own["reports_for"] is None:
        return None
    others = joined(municipality_names()[other] for other in own["reports_for"].split(";"))
    return Paragraph(
        f"{own['municipality_name']} indberetter også for {others}. Deres sager og indbyggere er talt med."
    )


def covered_by(name: str, reporter: str) -> Paragraph:
    """That another municipality reports for this one; both by name."""
    return Paragraph(
        f"{reporter} indberetter for {name}. Sager og indbyggere i {name} er talt med i tallene for {reporter}, og der er "
        f"ingen tal for {name} alene."
    )


def not_reported(name: str, reporter: str | None = None) -> Paragraph:
    """That a municipality takes no part: that is not the same as having no cases; `reporter` is who should report for it."""
    whose = f"{reporter}, der indberetter for {name}," if reporter else "kommunen"
    return Paragraph(
        f"{name} er ikke med i opgørelsen, fordi {whose} ikke har en aflevering, der tæller med. Det betyder ikke, at "
        "der ingen sager er. De andre kommuners tal vises kun for dem, der er med."
    )


# Breakdowns: a municipality's own beside the country's


def country_share(named: Tables, table: str, key: dict[str, str]) -> Paragraph:
    """The country's share of a group as everybody sees it: exact, rounded, or in words why it is not shown."""
    place = {**COUNTRY, **key}
    shared = find(named, table, **place)
    if shared is None:
        return Paragraph("For hele landet er der ingen tal.")
    if shared["value_status"] not in SHOWN:
        return Paragraph(f"For hele landet er andelen {not_shown(shared['value_status'])}.")
    if shared["share"] is None:
        return Paragraph("I hele landet er der ingen sager at fordele.")
    rounded = " (af et afrundet tal)" if shared["value_status"] == "rounded" else ""
    return said(named, f"I hele landet er andelen # %{rounded}.", Source(table, place, "share"))


def largest_group(named: Tables, catalogue: Catalogue) -> Paragraph | None:
    """The largest main target group of a municipality's own beside the country's share of it; None without cases."""
    labels = labels_of(catalogue, "main_target_group")
    words = ("hovedmålgruppe", "hovedmålgrupper")
    return _largest(named, "target_groups", {"target_group_level": "main"}, "target_group", labels, words)


def largest_provider(named: Tables, catalogue: Catalogue) -> Paragraph | None:
    """The largest provider type of a municipality's own beside the country's share of it; None without cases."""
    labels = labels_of(catalogue, "provider_type")
    return _largest(named, "provider_types", {}, "provider_type", labels, ("leverandørtype", "leverandørtyper"))


def _largest(
    named: Tables, table: str, level: dict[str, str], column: str, labels: dict[str, str], words: tuple[str, str]
) -> Paragraph | None:
    rows = named[f"own_{table}"].filter(pl.col("area_type") == "municipality", **level)
    most = max(rows["cases"].to_list(), default=0)
    if not most:
        return None
    first = rows.filter(pl.col("cases") == most)[column].to_list()
    group = {**level, column: first[0]}
    of_first = [Source(f"own_{table}", {"area_type": "municipality", **group}, figure) for figure in ("cases", "share")]
    names = joined(f"”{labels[code]}”" for code in first)
    if len(first) > 1:
        return said(named, f"De største {words[1]} er {names} med # {cases(most)} hver.", of_first[0])
    told = said(named, f"Den største {words[0]} er ”{labels[first[0]]}” med # {cases(most)}, # %.", *of_first)
    return together(told, country_share(named, table, group))


def own_in_full(named: Tables, code: str) -> Paragraph:
    """That a municipality's own figures are exact, for it alone, and little to compare where there are few cases."""
    exact = "Kommunens egne tal er vist, som de er. De er kun til kommunen selv: Del dem ikke, hvor tallene er små."
    if row(named, "case_rates", municipality_code=code)["reliability"] == "reliable":
        return Paragraph(exact)
    return Paragraph(f"{exact} Med så få sager flytter én borger andelene meget.")


def nothing_to_break_down() -> Paragraph:
    """That there are no cases to break down."""
    return Paragraph("Kommunen har ingen sager at fordele. Herunder står fordelingerne i hele landet.")


def rounding(named: Tables) -> Paragraph | None:
    """That breakdowns of single municipalities are rounded for all others; None where they are not."""
    tables = (named["target_groups"], named["provider_types"])
    if not any((table["value_status"] == "rounded").any() for table in tables):
        return None
    return said(
        named,
        "Diagrammet bygger på de tal, som alle deltagere ser. Her er hver kommunes fordelinger, også kommunens egne, afrundet "
        "til et tal i #-tabellen, så enkeltpersoner ikke kan genkendes.",
        of_round("rounding_base"),
    )


# Rows still to mend


def to_mend(named: Tables) -> Paragraph | None:
    """How many rows are rejected and how many faults they have; None where none are."""
    found = row(named, REJECTED_SUMMARY)
    if not found["rows"]:
        return None
    they = noun(found["rows"], "række er afvist og tæller", "rækker er afvist og tæller")
    return said(
        named,
        f"# {they} ikke med, i alt # fejl. Ret dem i regnearket correction.xlsx, hvor de er markeret, og aflever det igen.",
        Source(REJECTED_SUMMARY, {}, "rows"),
        Source(REJECTED_SUMMARY, {}, "faults"),
    )


def newest_file_rejected(named: Tables) -> Paragraph | None:
    """That the newest file is rejected whole; None where it is not, or there is none."""
    log = named["own_delivery_log"].sort("received_at", "delivery")
    if log.is_empty() or log["status"][-1] != "rejected":
        return None
    return Paragraph("Den nyeste fil er afvist og tæller ikke med. Årsagen står på afleveringssiden.")


def labels_of(catalogue: Catalogue, rollup: str) -> dict[str, str]:
    """What the groups of a roll-up are called, by code."""
    groups = next(found.groups for found in catalogue.rollups if found.key == rollup)
    return {found.code: found.label_da for found in groups}
