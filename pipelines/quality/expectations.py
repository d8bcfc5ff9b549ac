"""What is expected of a release candidate, as a list: the code, the table it is about, why, what to do, and the rule.

What belongs here: the expectations and the control tables that they look at. What does not: how a control table is made
(`controls`), and the judging (`gate`). A rule is the name of a Great Expectations class with its arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import polars as pl

from pipelines.disclosure.figures import BREAKDOWNS, FINDINGS, LEVELS
from pipelines.quality import controls
from schemas import tables
from schemas.fields import AREA_TYPES
from schemas.labels_da import table_title
from schemas.published import FINDING_SHARES
from schemas.questionnaire import load_catalogue
from schemas.rounds import Round

Severity = Literal["stop", "look"]
STOP: Severity = "stop"
LOOK: Severity = "look"

# How far shares, rates and numbers may be from what they are held against.
_FAR_SHARE, _NEAR_SHARE = 0.30, 0.10
_POOLED_RATIO = 3 / 2
_MUNICIPAL_RATIO = 2.0
_PARTICIPATION = 0.8
_REJECTED_ROWS = 0.1
_ROUNDING_ERROR = 1e-9

PROGRAM_FAULT = (
    "Fejlen ligger i beregningen og ikke i afleveringerne. Udgiv ikke tallene; bed den, der vedligeholder programmet, om at "
    "finde den."
)


class Material(NamedTuple):
    """The tables of the release candidate; those of `shared` as everybody may see them, the others exact.

    `candidate_sha256` is the checksum of the files that everybody may see, so that a report is known to be of them.
    """

    round_: Round
    case_rates: pl.DataFrame
    area_averages: pl.DataFrame
    round_changes: pl.DataFrame
    target_groups: pl.DataFrame
    provider_types: pl.DataFrame
    question_answers: pl.DataFrame
    key_findings: pl.DataFrame
    shared: Mapping[str, pl.DataFrame]
    population: pl.DataFrame
    delivery_log: pl.DataFrame
    candidate_sha256: str


class Before(NamedTuple):
    """What was before: the manifest of the round's current release, and the tables of the round before, by name.

    `tables` holds `case_rates` and `shared_question_answers` as last materialised; neither without a round before.
    """

    release: Mapping[str, Any] | None
    tables: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Expectation:
    """One expectation.

    Attributes:
        code: names it.
        about: the table that it is about; `quality_report` where it is about all of them.
        severity: whether the release stops where it is not met, or a consultant must look.
        expected_da: what is expected and why, Danish.
        action_da: what to do where it is not met, Danish.
        control: the control table it looks at.
        rule: the Great Expectations class.
        arguments: the rule's.
    """

    code: str
    about: str
    severity: Severity
    expected_da: str
    action_da: str
    control: str
    rule: str
    arguments: Mapping[str, Any]


def control_tables(material: Material, before: Before) -> dict[str, pl.DataFrame]:
    """Every control table of a release candidate, by name."""
    round_, rates = material.round_, material.case_rates
    catalogue = load_catalogue(round_.questionnaire)
    obligatory = [q.key for q in catalogue.closed_questions if q.kind == "single" and not q.optional]
    questions = {
        "target_groups": list(LEVELS.values()),
        "provider_types": ["provider_type"],
        "question_answers": obligatory,
    }
    exact = {name: getattr(material, name) for name in BREAKDOWNS}
    promised = {**tables.released(round_.questionnaire), tables.CHANGES.name: tables.CHANGES}
    earlier_rates = before.tables.get("case_rates", rates.clear())
    shown_answers = material.shared["question_answers"]
    earlier_answers = before.tables.get("shared_question_answers", shown_answers.clear())
    return {
        **{f"{name}_totals": controls.totals(rates, exact[name], questions[name]) for name in BREAKDOWNS},
        **{f"{name}_areas": controls.areas(exact[name]) for name in BREAKDOWNS},
        **{f"{name}_hidden": controls.hidden(material.shared[name]) for name in BREAKDOWNS},
        **{f"{name}_published": controls.published(exact[name], material.shared[name]) for name in BREAKDOWNS},
        **{f"{name}_rounded": controls.rounded(exact[name], material.shared[name]) for name in BREAKDOWNS},
        "key_findings_hidden": controls.hidden_findings(material.shared[FINDINGS]),
        "key_findings_published": controls.published_findings(material.key_findings, material.shared[FINDINGS]),
        "averages": controls.averages(rates, material.area_averages),
        "rates": controls.rates(rates),
        "municipalities": controls.municipalities(material.population),
        "quarter": controls.quarter(material.population, round_),
        "released_quarter": controls.released_quarter(material.population, before.release),
        "released_participants": controls.released_participants(rates, round_, before.release),
        "released_columns": controls.released_columns(before.release, promised),
        "findings": controls.findings(material.shared[FINDINGS], FINDING_SHARES),
        "answers": controls.answers(shown_answers, earlier_answers),
        "earlier_participants": controls.earlier_participants(rates, round_, earlier_rates),
        "participation": controls.participation(rates, earlier_rates),
        "pooled_rate": controls.pooled_rate(material.round_changes),
        "municipal_rates": controls.municipal_rates(material.round_changes),
        "rejected_rows": controls.rejected_rows(material.delivery_log),
        "rejected_files": controls.rejected_files(material.delivery_log),
    }


def at_most(column: str, maximum: float) -> dict[str, Any]:
    """The rule that a column is no more than this."""
    return {"rule": "ExpectColumnValuesToBeBetween", "arguments": {"column": column, "max_value": maximum}}


def _within_factor(column: str, factor: float) -> dict[str, Any]:
    arguments = {"column": column, "min_value": 1 / factor, "max_value": factor}
    return {"rule": "ExpectColumnValuesToBeBetween", "arguments": arguments}


def equal(one: str, other: str) -> dict[str, Any]:
    """The rule that two columns are equal."""
    return {"rule": "ExpectColumnPairValuesToBeEqual", "arguments": {"column_A": one, "column_B": other}}


def true(column: str) -> dict[str, Any]:
    """The rule that a column holds."""
    return {"rule": "ExpectColumnValuesToBeInSet", "arguments": {"column": column, "value_set": [True]}}


def _of_breakdown(name: str) -> tuple[Expectation, ...]:
    """What is expected of every breakdown."""
    title = table_title(name)
    return (
        Expectation(
            f"{name}_add_up_to_cases",
            name,
            STOP,
            f"{title}: i hvert område giver sagerne lagt sammen områdets antal sager, for hvert spørgsmål, der har netop ét "
            "svar pr. sag. Ellers er en sag talt to gange eller faldet ud.",
            PROGRAM_FAULT,
            f"{name}_totals",
            **equal("cases", "answers"),
        ),
        Expectation(
            f"{name}_of_areas_add_up_to_the_country",
            name,
            STOP,
            f"{title}: for hvert svar er landets sager lig med summen af kommunernes, af regionernes og af kommunegruppernes. "
            "Ellers mangler et område, eller det er talt med to gange.",
            PROGRAM_FAULT,
            f"{name}_areas",
            rule="ExpectMulticolumnValuesToBeEqual",
            arguments={"column_list": list(AREA_TYPES)},
        ),
        Expectation(
            f"rounded_{name}_are_multiples",
            f"shared_{name}",
            STOP,
            f"{title}: et afrundet tal er et multiplum af det, der afrundes til. Ellers røber det mere, end det skal.",
            PROGRAM_FAULT,
            f"{name}_rounded",
            rule="ExpectColumnValuesToBeInSet",
            arguments={"column": "remainder", "value_set": [0]},
        ),
        Expectation(
            f"rounded_{name}_are_near_the_exact",
            f"shared_{name}",
            STOP,
            f"{title}: et afrundet tal afviger mindre fra det rigtige tal end det, der afrundes til. Ellers vildleder det "
            "læseren.",
            PROGRAM_FAULT,
            f"{name}_rounded",
            rule="ExpectColumnPairValuesAToBeGreaterThanB",
            arguments={"column_A": "rounding_base", "column_B": "distance"},
        ),
    )


def _of_shared(name: str) -> tuple[Expectation, ...]:
    """What is expected of every table that small counts are protected in."""
    title = table_title(name)
    return (
        Expectation(
            f"hidden_{name}_show_nothing",
            f"shared_{name}",
            STOP,
            f"{title}: hvor et tal er skjult, er andel, rate og grænser det også. Ellers kan det skjulte tal regnes ud.",
            PROGRAM_FAULT,
            f"{name}_hidden",
            rule="ExpectColumnValuesToBeNull",
            arguments={"column": "value"},
        ),
        Expectation(
            f"published_{name}_are_exact",
            f"shared_{name}",
            STOP,
            f"{title}: et tal, der vises, som det er, er det, der er beregnet. Ellers er det ændret på vej til udgivelsen.",
            PROGRAM_FAULT,
            f"{name}_published",
            **equal("shown", "exact"),
        ),
    )


_OF_FIGURES = (
    *(expectation for name in BREAKDOWNS for expectation in _of_breakdown(name)),
    *(expectation for name in (*BREAKDOWNS, FINDINGS) for expectation in _of_shared(name)),
    Expectation(
        "area_averages_agree_with_case_rates",
        "area_averages",
        STOP,
        "Områdernes kommuner, sager og indbyggere er summen over de deltagende kommuner. Ellers bygger gennemsnittene på andre "
        "tal end kommunernes rater.",
        PROGRAM_FAULT,
        "averages",
        **equal("stated", "counted"),
    ),
    Expectation(
        "rates_are_cases_by_population",
        "case_rates",
        STOP,
        "Raten er kommunens sager divideret med dens 18-66-årige indbyggere gange 1.000. Ellers kan kommunen ikke selv regne "
        "den efter.",
        PROGRAM_FAULT,
        "rates",
        **at_most("difference", _ROUNDING_ERROR),
    ),
)
_OF_WHAT_WAS_RELEASED = (
    Expectation(
        "released_participants_take_part",
        "case_rates",
        STOP,
        "De kommuner, der er med i rundens gældende udgivelse, er med endnu. Ellers er en aflevering forsvundet, og landets "
        "tal ændrer sig, uden at nogen har besluttet det.",
        "Læg kommunens filer tilbage i indbakken, eller træk den gældende udgivelse tilbage.",
        "released_participants",
        **true("takes_part"),
    ),
    Expectation(
        "population_is_no_older_than_released",
        "population",
        STOP,
        "Befolkningen er ikke fra et ældre kvartal end i rundens gældende udgivelse. Ellers mangler et kvartal, der var der "
        "før, og raterne ville springe tilbage.",
        "Sørg for, at befolkningen kan hentes fra Danmarks Statistik, eller læg den hentede tilbage under reference, og kør "
        "natten igen.",
        "released_quarter",
        rule="ExpectColumnPairValuesAToBeGreaterThanB",
        arguments={"column_A": "number", "column_B": "released", "or_equal": True},
    ),
    Expectation(
        "population_has_every_municipality",
        "population",
        STOP,
        "Befolkningen har de 98 kommuner og ingen andre. Ellers er den hentet eller læst forkert.",
        "Fjern den hentede befolkning under reference, og kør natten igen.",
        "municipalities",
        **true("is_both"),
    ),
    Expectation(
        "released_columns_are_kept",
        "quality_report",
        STOP,
        "Tabellerne har de kolonner, typer, enheder og nøgler, som rundens gældende udgivelse har, medmindre ændringen er "
        "erklæret. Ellers holder modtagernes programmer op med at virke.",
        "Sæt kolonnen tilbage, eller hæv tabellens version i schemas/tables.py for at erklære ændringen.",
        "released_columns",
        **at_most("breaks", 0),
    ),
)
_OF_WHAT_IS_KNOWN = (
    Expectation(
        "findings_are_not_far_from_the_report",
        FINDINGS,
        STOP,
        "De hovedresultater, der vises, ligger inden for 30 procentpoint af den offentliggjorte rapport (KL og Komponent, "
        "december 2023), når tilfældighed er regnet fra. Ellers er svar formentlig læst eller talt forkert.",
        "Kontrollér, om svarene på det spørgsmål, som hovedresultatet bygger på, er læst rigtigt i afleveringerne.",
        "findings",
        **at_most("distance", _FAR_SHARE),
    ),
    Expectation(
        "answers_are_not_far_from_the_round_before",
        "question_answers",
        STOP,
        "De andele af svarene i hele landet, der vises, ligger inden for 30 procentpoint af runden før, når tilfældighed er "
        "regnet fra. Ellers er svarmuligheder formentlig byttet om eller læst forkert.",
        "Kontrollér, om svarene på spørgsmålet er læst rigtigt i begge runders afleveringer.",
        "answers",
        **at_most("distance", _FAR_SHARE),
    ),
    Expectation(
        "population_is_of_the_round",
        "population",
        LOOK,
        "Befolkningen er fra rundens eget kvartal. Ellers er raterne beregnet med et andet indbyggertal end rundens.",
        "Sørg for, at befolkningen kan hentes fra Danmarks Statistik, og kør natten igen; eller godkend, at et andet kvartal "
        "bruges.",
        "quarter",
        **equal("population_quarter", "wanted"),
    ),
    Expectation(
        "findings_are_near_the_report",
        FINDINGS,
        LOOK,
        "De hovedresultater, der vises, ligger inden for 10 procentpoint af den offentliggjorte rapport (KL og Komponent, "
        "december 2023), når tilfældighed er regnet fra.",
        "Se, om forskellen kan forklares, f.eks. af hvilke kommuner der deltager.",
        "findings",
        **at_most("distance", _NEAR_SHARE),
    ),
    Expectation(
        "answers_are_near_the_round_before",
        "question_answers",
        LOOK,
        "De andele af svarene i hele landet, der vises, ligger inden for 10 procentpoint af runden før, når tilfældighed er "
        "regnet fra.",
        "Se, om forskellen kan forklares, f.eks. af hvilke kommuner der deltager, eller af hvordan spørgsmålet er forstået.",
        "answers",
        **at_most("distance", _NEAR_SHARE),
    ),
    Expectation(
        "earlier_participants_take_part",
        "case_rates",
        LOOK,
        "De kommuner, der deltog i runden før, deltager igen. Ellers kan landets tal ændre sig alene af, hvem der er med.",
        "Spørg kommunen, om den vil aflevere.",
        "earlier_participants",
        **true("takes_part"),
    ),
    Expectation(
        "enough_municipalities_take_part",
        "case_rates",
        LOOK,
        "Der deltager mindst 80 % så mange kommuner som i runden før. Ellers er landets tal ikke til at sammenligne.",
        "Vent på flere afleveringer, eller godkend, at tallene bygger på færre kommuner.",
        "participation",
        rule="ExpectColumnValuesToBeBetween",
        arguments={"column": "ratio", "min_value": _PARTICIPATION},
    ),
    Expectation(
        "pooled_rate_is_near_the_round_before",
        "round_changes",
        LOOK,
        "Den samlede rate i de kommuner, der deltog i begge runder, er mellem to tredjedele og halvanden gange runden før, når "
        "tilfældighed er regnet fra.",
        "Se, om afgrænsningen af sager er forstået ens i de to runder.",
        "pooled_rate",
        **_within_factor("ratio", _POOLED_RATIO),
    ),
    Expectation(
        "rates_are_near_the_round_before",
        "round_changes",
        LOOK,
        "Kommunens rate er mellem det halve og det dobbelte af runden før, når tilfældighed er regnet fra. Ellers mangler der "
        "måske sager, eller der er talt for mange med.",
        "Spørg kommunen, om alle sager er med, og om de er over beløbsgrænsen.",
        "municipal_rates",
        **_within_factor("ratio", _MUNICIPAL_RATIO),
    ),
    Expectation(
        "few_rows_are_rejected",
        "delivery_log",
        LOOK,
        "Højst 10 % af rækkerne i en aflevering er afvist, når det er mere end én. Ellers mangler der sager i kommunens tal.",
        "Bed kommunen rette de afviste rækker og aflevere igen; de er mærket i dens rettefil.",
        "rejected_rows",
        **at_most("share", _REJECTED_ROWS),
    ),
    Expectation(
        "no_file_is_rejected",
        "delivery_log",
        LOOK,
        "Ingen kommunes nyeste fil er afvist. Ellers bygger dens tal på en ældre fil, eller den er slet ikke med.",
        "Bed kommunen rette filen og aflevere igen.",
        "rejected_files",
        **at_most("files", 0),
    ),
)
EXPECTATIONS = (*_OF_FIGURES, *_OF_WHAT_WAS_RELEASED, *_OF_WHAT_IS_KNOWN)
