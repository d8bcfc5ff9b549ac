"""The tables of the reports of a survey round: figures as they are published, in Danish cells.

What belongs here: which rows and columns a reader gets, and words where a figure is not shown. What does not: the numbers
in sentences (`sentences`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from pipelines import danish
from pipelines.benchmark.areas import COUNTRY_CODE
from pipelines.danish import joined
from pipelines.ingest.messages import RULES_DA
from pipelines.plots.published import SHOWN
from pipelines.plots.words import not_shown
from pipelines.reports.document import Cell, Paragraph, TableBlock
from pipelines.reports.lookup import COUNTRY, Tables, find, number, row
from pipelines.reports.sentences import WORDS, labels_of
from schemas.labels_da import DELIVERIES_SOURCE, FIGURES_SOURCE, SCREENING_SOURCE
from schemas.questionnaire import Catalogue, Question

_OTHER = "Øvrige spørgsmål"
# What belongs together in the form, by the keys of the questions; the form itself has no headings.
_THEMES = {
    "Borgeren": ("gender", "placed_as_child"),
    "Udgiften": ("time_above_threshold", "cost_trend", "main_cost_driver", "price_negotiated"),
    "Målgruppe og støttebehov": ("target_group", "secondary_target_groups", "somatic_care_need", "support_level"),
    "Adfærd, misbrug og dom": (
        "behaviour_decisive",
        "behaviour_types",
        "substance_misuse",
        "sentence",
        "use_of_force",
    ),
    "Botilbuddet": (
        "in_residential_care",
        "municipality_role",
        "placement_type",
        "provider",
        "places_in_facility",
        "facility_location",
    ),
    "Personale, dagtilbud og psykiatri": ("staffing", "night_cover", "day_programme", "special_psychiatric_place"),
    "Visitation og opfølgning": ("choice_at_referral", "viso_involved", "goal_progress", "less_intrusive_prospect"),
}
_ROWS_TO_MEND = 25


def _words(*texts: str) -> list[Cell]:
    return [Cell(text) for text in texts]


def _numbers(*texts: str) -> list[Cell]:
    return [Cell(text, is_number=True) for text in texts]


def themes(catalogue: Catalogue) -> dict[str, list[Question]]:
    """The closed questions of the form under their headings; those without one under `Øvrige spørgsmål`."""
    theme_of = {key: theme for theme, keys in _THEMES.items() for key in keys}
    found: dict[str, list[Question]] = {theme: [] for theme in (*_THEMES, _OTHER)}
    for question in catalogue.closed_questions:
        found[theme_of.get(question.key, _OTHER)].append(question)
    return {theme: questions for theme, questions in found.items() if questions}


def open_questions(catalogue: Catalogue) -> Paragraph:
    """Which questions have no table, and why."""
    numbers, others = (
        joined(
            str(question.number)
            for question in catalogue.questions
            if not question.is_closed and is_number == question.is_number
        )
        for is_number in (True, False)
    )
    return Paragraph(
        f"Svar i tal (spørgsmål {numbers}) er ikke fordelt i udgivelsen; alderen indgår kun i hovedresultaterne. Nøgler og fri "
        f"tekst (spørgsmål {others}) vises aldrig i rapporter."
    )


# Rates


def own_beside_areas(named: Tables, code: str) -> TableBlock:
    """A municipality's cases and rate beside those of the country, its region and its group."""
    own = row(named, "case_rates", municipality_code=code)
    limits = f"{number(own['ci95_lower'], 'ci95_lower')} til {number(own['ci95_upper'], 'ci95_upper')}"
    first = [
        Cell(own["municipality_name"]),
        *_numbers("1", *_figures(own, "rate_per_1000")),
        Cell(f"95 %-interval {limits}"),
    ]
    rows = [first]
    for area_type, area_code in (
        ("country", COUNTRY_CODE),
        ("region", own["region_code"]),
        ("municipality_group", own["municipality_group_code"]),
    ):
        area = row(named, "area_averages", area_type=area_type, area_code=area_code)
        is_alone = area["municipalities"] == 1
        rows.append(
            [
                Cell(area["area_name"]),
                *_numbers(str(area["municipalities"]), *_figures(area, "pooled_rate_per_1000")),
                Cell("ingen andre er med" if is_alone else f"{WORDS[own[f'comparison_{area_type}']]} i området"),
            ]
        )
    headings = [
        Cell("Område"),
        *_numbers("Kommuner", "Sager", "Indbyggere 18-66 år", "Sager pr. 1.000"),
        Cell("Kommunen ligger"),
    ]
    return TableBlock("Kommunen ved siden af landet, regionen og kommunegruppen", headings, rows, FIGURES_SOURCE)


def _figures(found: Mapping[str, Any], rate: str) -> list[str]:
    return [number(found[column], column) for column in ("cases", "population_18_66", rate)]


def areas(named: Tables) -> TableBlock:
    """Both averages, and the spread, of the country, the regions and the municipality groups."""
    columns = ("municipalities", "cases", "pooled_rate_per_1000", "unweighted_mean_rate_per_1000")
    ends = ("min_rate_per_1000", "max_rate_per_1000")
    rows = [
        [
            Cell(area["area_name"]),
            *_numbers(*(number(area[column], column) for column in columns)),
            *_numbers(" til ".join(number(area[column], column) for column in ends)),
        ]
        for area in named["area_averages"].iter_rows(named=True)
    ]
    headings = [
        Cell("Område"),
        *_numbers("Kommuner", "Sager", "Samlet rate", "Gennemsnit af raterne", "Laveste til højeste rate"),
    ]
    return TableBlock("Sager pr. 1.000 18-66-årige i områderne", headings, rows, FIGURES_SOURCE)


def municipalities(named: Tables) -> TableBlock:
    """Every participating municipality with rate, rank and their intervals, highest first: what the ranked dots show."""
    rows = [
        [
            Cell(found["municipality_name"]),
            *_numbers(
                *_figures(found, "rate_per_1000"),
                f"{number(found['ci95_lower'], 'ci95_lower')} til {number(found['ci95_upper'], 'ci95_upper')}",
                str(found["rank"]),
                f"{found['rank_ci95_lower']} til {found['rank_ci95_upper']}",
            ),
        ]
        for found in named["case_rates"].sort("rank", "municipality_code").iter_rows(named=True)
    ]
    headings = [
        Cell("Kommune"),
        *_numbers("Sager", "Indbyggere 18-66 år", "Sager pr. 1.000", "95 %-interval", "Nr.", "Nr., 95 %-interval"),
    ]
    return TableBlock("Kommunerne efter sager pr. 1.000 18-66-årige", headings, rows, FIGURES_SOURCE)


def changes_of_rounds(named: Tables) -> TableBlock:
    """Both rounds' rates of the municipalities that took part in both."""
    words = {"lower": "lavere", "similar": "kan være tilfældig", "higher": "højere"}
    rows = [
        [
            Cell(found["municipality_name"]),
            *_numbers(
                *(
                    number(found[f"{when}_{column}"], column)
                    for when in ("earlier", "later")
                    for column in ("cases", "rate_per_1000")
                )
            ),
            Cell(words[found["change"]]),
        ]
        for found in named["round_changes"].iter_rows(named=True)
    ]
    headings = [
        Cell("Kommune"),
        *_numbers("Sager før", "Rate før", "Sager nu", "Rate nu"),
        Cell("Ændring"),
    ]
    return TableBlock("Raten i denne runde og i runden før", headings, rows, FIGURES_SOURCE)


# Breakdowns


def target_groups(named: Tables, catalogue: Catalogue, *, with_own: bool) -> tuple[TableBlock, TableBlock]:
    """Main target groups, and the form's own, of the country; with a municipality's own where it has any."""
    labels = labels_of(catalogue, "main_target_group")
    main = [(label, _group("main", code)) for code, label in labels.items()]
    options = catalogue.question("target_group").options
    detailed = [(option.label_da, _group("detailed", option.code)) for option in options]
    return (
        _breakdown(named, "target_groups", "Hovedmålgrupper", main, "Målgruppe", with_own=with_own),
        _breakdown(named, "target_groups", "Målgrupper i skemaet", detailed, "Målgruppe", with_own=with_own),
    )


def _group(level: str, code: str) -> dict[str, str]:
    return {"target_group_level": level, "target_group": code}


def provider_types(named: Tables, catalogue: Catalogue, *, with_own: bool) -> TableBlock:
    """Provider types of the country; with a municipality's own where it has any."""
    labels = labels_of(catalogue, "provider_type")
    groups = [(label, {"provider_type": code}) for code, label in labels.items()]
    return _breakdown(named, "provider_types", "Leverandørtyper", groups, "Botilbuddet drives", with_own=with_own)


def question_answers(named: Tables, question: Question) -> TableBlock:
    """The answers to a closed question in the country."""
    groups = [(option.label_da, {"question": question.key, "answer": option.code}) for option in question.options]
    return _breakdown(named, "question_answers", question.header, groups, "Svar", with_own=False)


def own_answers(named: Tables, catalogue: Catalogue) -> Iterator[TableBlock]:
    """A table per theme, a question in a row: a municipality's own answers in full, and the country's shares."""
    headings = _words("Spørgsmål", "Kommunens sager", "Andel, hele landet")
    shared = _answers(named["question_answers"].filter(**COUNTRY))
    own = _answers(named["own_question_answers"].filter(area_type="municipality"))
    for theme, questions in themes(catalogue).items():
        rows = []
        for question in questions:
            options = [(option.label_da, (question.key, option.code)) for option in question.options]
            counts = [(label, own.get(key)) for label, key in options]
            rows.append(_words(question.header, _own_in_line(counts), _shares_in_line(options, shared)))
        yield TableBlock(theme, headings, rows, SCREENING_SOURCE)


def _answers(rows: pl.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    return {(found["question"], found["answer"]): found for found in rows.iter_rows(named=True)}


def _own_in_line(counts: Sequence[tuple[str, Mapping[str, Any] | None]]) -> str:
    """The answers that were given with count and share; then that the others were not."""
    given = [f"{label}: {_count(found)} ({_share(found)})" for label, found in counts if found and found["cases"]]
    if not given:
        return "ingen svar"
    return "; ".join([*given, *(["øvrige: 0"] if len(given) < len(counts) else [])])


def _shares_in_line(
    options: Sequence[tuple[str, tuple[str, str]]], shared: Mapping[tuple[str, str], Mapping[str, Any]]
) -> str:
    shares = [(label, _share(shared.get(key))) for label, key in options]
    if len({share for _, share in shares}) == 1 and not shares[0][1].endswith("%"):
        return f"alle svar: {shares[0][1]}"
    return "; ".join(f"{label}: {share}" for label, share in shares)


def _breakdown(
    named: Tables,
    table: str,
    caption: str,
    groups: Sequence[tuple[str, dict[str, str]]],
    heading: str,
    *,
    with_own: bool,
) -> TableBlock:
    """A row per group: its label, and its key without the area."""
    if with_own:
        headings = _numbers("Kommunens sager", "Andel", "Andel, hele landet")
    else:
        headings = _numbers("Sager", "Andel", "95 %-interval")
    shared = _by_key(named[table].filter(**COUNTRY), groups)
    own = _by_key(named[f"own_{table}"].filter(area_type="municipality"), groups) if with_own else {}
    rows = []
    for label, key in groups:
        place = tuple(key.values())
        of_country = shared.get(place)
        cells = (
            [*_own_cells(own.get(place)), _share(of_country)]
            if with_own
            else [_count(of_country), _share(of_country), _limits(of_country)]
        )
        rows.append([Cell(label), *_numbers(*cells)])
    return TableBlock(caption, [Cell(heading), *headings], rows, SCREENING_SOURCE)


def _by_key(rows: pl.DataFrame, groups: Sequence[tuple[str, dict[str, str]]]) -> dict[tuple[str, ...], dict[str, Any]]:
    columns = tuple(groups[0][1])
    return {tuple(found[column] for column in columns): found for found in rows.iter_rows(named=True)}


def _own_cells(found: Mapping[str, Any] | None) -> list[str]:
    return [_count(found), _share(found)]


def _count(found: Mapping[str, Any] | None) -> str:
    """A count, or in words why it is not there."""
    if found is None:
        return not_shown("not_reported")
    if found["value_status"] not in SHOWN:
        return not_shown(found["value_status"])
    rounded = " (afrundet)" if found["value_status"] == "rounded" else ""
    return f"{danish.number(found['cases'])}{rounded}"


def _share(found: Mapping[str, Any] | None) -> str:
    """A share, or in words why it is not there."""
    if found is None or found["value_status"] not in SHOWN:
        return _count(found)
    if found["share"] is None:
        return "ingen sager"
    rounded = " (afrundet)" if found["value_status"] == "rounded" else ""
    return f"{number(found['share'], 'share')} %{rounded}"


def _limits(found: Mapping[str, Any] | None) -> str:
    if found is None or found["value_status"] not in SHOWN or found["share"] is None:
        return _share(found)
    ends = (number(found[column], column) for column in ("share_ci95_lower", "share_ci95_upper"))
    return f"{' til '.join(ends)} %"


# Rows to mend


def rows_to_mend(named: Tables, catalogue: Catalogue) -> list[TableBlock]:
    """The rejected rows with the question and the rule in words, never what was found; how often each rule, where many."""
    rejected = named["own_rejected_rows"].sort("row", "question", "rule", nulls_last=True)
    if rejected.is_empty():
        return []
    counts = rejected.group_by("rule").len().sort("len", "rule", descending=[True, False])
    by_rule = [[Cell(RULES_DA[rule]), *_numbers(danish.number(count))] for rule, count in counts.iter_rows()]
    headers = {question.number: question.header for question in catalogue.questions}
    shown = [
        [
            Cell(str(found["row"])),
            Cell(headers.get(found["question"], "Hele rækken")),
            Cell(RULES_DA[found["rule"]]),
        ]
        for found in rejected.head(_ROWS_TO_MEND).iter_rows(named=True)
    ]
    caption = "Fejl, der skal rettes"
    if rejected.height > _ROWS_TO_MEND:
        caption = f"De første {_ROWS_TO_MEND} fejl; alle er markeret i correction.xlsx"
        tables = [TableBlock("Fejl efter regel", [Cell("Regel"), *_numbers("Fejl")], by_rule, DELIVERIES_SOURCE)]
    else:
        tables = []
    return [*tables, TableBlock(caption, _words("Række", "Spørgsmål", "Hvad er galt"), shown, DELIVERIES_SOURCE)]


def participants(named: Tables) -> list[Paragraph]:
    """The municipalities that take part, a paragraph per region, with those that they also report for."""
    order = list(danish.municipality_names().values())
    rates = named["case_rates"].sort("region_code", "municipality_code")
    told = []
    for (region,), rows in rates.group_by("region_name", maintain_order=True):
        members = sorted(rows.select("municipality_name", "reports_for").iter_rows(), key=lambda m: order.index(m[0]))
        told.append(Paragraph(f"{region}: {', '.join(_with_covered(*member) for member in members)}."))
    return told


def _with_covered(name: str, reports_for: str | None) -> str:
    if reports_for is None:
        return name
    names = danish.municipality_names()
    return f"{name} (også for {joined(names[code] for code in reports_for.split(';'))})"


def covering(named: Tables, code: str) -> str | None:
    """The municipality whose figures hold this one's cases; None where it is covered by nobody."""
    reporting = named["case_rates"].drop_nulls("reports_for")
    found = reporting.filter(pl.col("reports_for").str.split(";").list.contains(pl.lit(code)))
    return str(found["municipality_code"][0]) if found.height else None


def takes_part(named: Tables, code: str) -> bool:
    """Whether a municipality has figures of its own."""
    return find(named, "case_rates", municipality_code=code) is not None
