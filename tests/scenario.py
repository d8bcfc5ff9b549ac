"""A small round, made up: a few municipalities with a few cases each, handed in as CSV with the form's keys as header.

What belongs here: deliveries that tests of the whole graph start from, small enough to count by hand. Expectations stand
in the tests.
"""

import os
from pathlib import Path

from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round

ROUND = find_round("2022-10-01")
CATALOGUE = load_catalogue(ROUND.questionnaire)
NO_STATBANK = "http://127.0.0.1:9"  # the discard port: refused at once
COMMENT = "planted remark 4711"

ANSWERS = {
    "age": "34",
    "gender": "Kvinde",
    "in_residential_care": "Ja",
    "municipality_role": "Handle- og betalingskommune",
    "residential_cost_dkk": "2.400.000",
    "day_programme_cost_dkk": "0",
    "time_above_threshold": "Siden det 18. år",
    "cost_trend": "Uændret",
    "main_cost_driver": "Personalenormering",
    "target_group": "Udviklingshæmning",
    "secondary_target_groups": "",
    "behaviour_decisive": "Ja",
    "behaviour_types": "Udadreagerende; Selvskadende",
    "substance_misuse": "Nej",
    "somatic_care_need": "Let",
    "support_level": "Højt",
    "sentence": "Ingen dom",
    "use_of_force": "1-5",
    "placement_type": "Længerevarende botilbud (SEL § 108)",
    "provider": "Regionen",
    "places_in_facility": "5-8 pladser",
    "facility_location": "I egen kommune",
    "staffing": "1:1",
    "night_cover": "Vågen nattevagt",
    "day_programme": "Intet",
    "special_psychiatric_place": "Nej",
    "choice_at_referral": "Eksisterende botilbud var eneste valgmulighed",
    "viso_involved": "Nej",
    "placed_as_child": "Ved ikke",
    "price_negotiated": "Nej",
    "months_since_follow_up": "6",
    "goal_progress": "Fremgang",
    "less_intrusive_prospect": "Nej",
    "comment": COMMENT,
}


# Some cases of a larger round answer like this: twenty that all answer as above would be far from the published report.
OTHERWISE = {"time_above_threshold": "1-2 år", "places_in_facility": "Over 8 pladser"}


def row(municipality_code: str, number: int, **answers: str) -> dict[str, str]:
    """A good case; answers given by key replace the usual ones."""
    return {"municipality_code": municipality_code, "case_id": f"sag-{number}"} | ANSWERS | answers


def csv(rows: list[dict[str, str]]) -> bytes:
    """The rows as a CSV file with keys as header."""
    keys = list(CATALOGUE.keys)
    lines = [";".join(keys), *(";".join(f'"{r[key]}"' for key in keys) for r in rows)]
    return "\n".join(lines).encode("utf-8-sig")


def hand_in(
    root: Path, municipality_code: str, rows: list[dict[str, str]], name: str = "20221101T080000Z__sager.csv"
) -> Path:
    """Lay a delivery into the round's inbox, with a modification time that never changes."""
    path = root / "inbox" / ROUND.name / municipality_code / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(csv(rows))
    os.utime(path, (1_667_289_600, 1_667_289_600))
    return path


def small_round(root: Path) -> None:
    """Eight municipalities: six in Region Hovedstaden, Odense in Syddanmark, and Fanø there with no cases.

    Eligible cases: 101: 3, 147: 2, 151: 2, 153: 1, 157: 1, 183: 2, 461: 4, 563: 0. One row of 151 is below the
    threshold, one row of 461 is rejected.
    """
    for code, cases in {"101": 3, "147": 2, "153": 1, "157": 1}.items():
        hand_in(root, code, [row(code, i) for i in range(cases)])
    hand_in(root, "151", [row("151", 1), row("151", 2), row("151", 3, residential_cost_dkk="1.999.999")])
    hand_in(root, "183", [row("183", 1, provider="Egen kommune"), row("183", 2, age="51")])
    bad = row("461", 9, provider="Regjonen")
    hand_in(
        root,
        "461",
        [
            *(row("461", i, provider="Privat (herunder selvejende og fonde)") for i in range(4)),
            bad,
            row("461", 8, in_residential_care="Nej"),
        ],
    )
    hand_in(root, "563", [], name="20221101T080000Z__nulindberetning.csv")
