"""Made-up rows of the extracts as values, for tests of their ingest: a good row of each, spoilt answers, frames.

What belongs here: rows and frames that several test modules start from. What does not: files on disk.
"""

import polars as pl

from schemas.extracts import BUDGETS, GRANTS, INITIATIVES, PLANNED_CHANGES, load_extract

FORMS = {name: load_extract(name) for name in (GRANTS, BUDGETS, PLANNED_CHANGES, INITIATIVES)}
GOOD = {
    GRANTS: {
        "citizen_id": "B-1",
        "birth_year": "1985",
        "service_area": "Længerevarende botilbud (SEL § 108)",
        "provider": "Egen kommune",
        "start_date": "01-04-2023",
        "end_date": None,
        "price_dkk": "3.500",
        "price_unit": "Dag",
        "own_payment_dkk": None,
        "initiative": None,
    },
    BUDGETS: {"year": "2024", "line": "Eksisterende aktive sager", "budget_dkk": "120.000.000"},
    PLANNED_CHANGES: {
        "year": "2024",
        "direction": "Tilgang",
        "citizens": "3",
        "service_area": "§ 107",
        "start_month": "4",
        "yearly_price_dkk": "900.000",
    },
    INITIATIVES: {
        "initiative": "T-1",
        "name": "Hjemtagning",
        "legal_basis": "Botilbud",
        "start_date": "01-01-2024",
        "citizens": "5",
        "saving_dkk_per_month": "10.000",
        "year": "2024",
        "estimated_effect_dkk": "600.000",
        "counted": "Ja",
    },
}


def grant(citizen_id="B-1", **answers):
    """One good grant, changed as told."""
    return GOOD[GRANTS] | {"citizen_id": citizen_id} | answers


def delivered(extract, *deliveries):
    """What the rules take as rows: deliveries of lists of rows; rows count from 2."""
    form = FORMS[extract]
    return pl.DataFrame(
        [
            {"surplus_fields": False, "cpr_elsewhere": False}
            | answers
            | {"delivery": number, "row": row, "folder_code": "147"}
            for number, rows in enumerate(deliveries)
            for row, answers in enumerate(rows, start=2)
        ],
        schema={"delivery": pl.Int64, "row": pl.Int64, "folder_code": pl.String}
        | {"surplus_fields": pl.Boolean, "cpr_elsewhere": pl.Boolean}
        | dict.fromkeys(form.keys, pl.String),
    )
