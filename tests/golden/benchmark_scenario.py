"""Made-up cases small enough to count by hand, for the tests of the benchmark step.

Five participants: Ishøj (183) and Ballerup (151) in Region Hovedstaden, Odense (461) and Fanø (563) in Region
Syddanmark, Læsø (825) in Region Nordjylland. Populations are those of 2020K1.
"""

import polars as pl

from pipelines.reference.municipalities import municipalities
from schemas.questionnaire import load_catalogue
from schemas.rounds import Round

CATALOGUE = load_catalogue("2022")
MUNICIPALITIES = municipalities()
ROUND = Round(
    name="2022-10-01",
    questionnaire="2022",
    threshold_dkk=2_000_000,
    population_quarter="2022K4",
    disclosure_threshold=5,
    rejected_rows_share=0.2,
    reports_for={},
    open=True,
)
RESIDENTS = {"151": 29_064, "183": 14_581, "187": 9_805, "461": 135_719, "563": 1_784, "825": 928}
POPULATION = pl.DataFrame(
    {
        "municipality_code": list(RESIDENTS),
        "population_18_66": list(RESIDENTS.values()),
        "population_quarter": ["2020K1"] * len(RESIDENTS),
        "source": ["Danmarks Statistik"] * len(RESIDENTS),
    }
)


def participants(*codes: str) -> pl.DataFrame:
    return pl.DataFrame({"municipality_code": codes}, schema={"municipality_code": pl.String})


def cases(municipality_code: str, number: int = 1, **answers: object) -> list[dict[str, object]]:
    """So many cases with these answers; every single question that is not named has its first option."""
    first = {question.key: question.codes[0] for question in CATALOGUE.closed_questions if question.kind == "single"}
    case = {"municipality_code": municipality_code, "age": 50, "eligible": True, **first, **answers}
    return [case] * number


def responses(*groups: list[dict[str, object]]) -> pl.DataFrame:
    """The cases in the types of the stored table: single answers as Enum, multiple ones as text."""
    schema: dict[str, pl.DataType] = {"municipality_code": pl.String(), "age": pl.Int64(), "eligible": pl.Boolean()}
    for question in CATALOGUE.closed_questions:
        schema[question.key] = pl.Enum(question.codes) if question.kind == "single" else pl.String()
    return pl.DataFrame([case for group in groups for case in group], schema=schema)
