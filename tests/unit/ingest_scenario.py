"""Made-up deliveries as values, for tests of the ingest's pure functions: a good case, its spoilt answers, frames.

What belongs here: rows and frames that several test modules start from. What does not: files on disk and hostile ones.
"""

import csv
import datetime as dt
import io

import polars as pl
from hypothesis import settings

from pipelines.ingest import delivery, intake
from schemas import tables
from schemas.questionnaire import load_catalogue
from schemas.rounds import find_round

ROUND = find_round("2022-10-01")
CATALOGUE = load_catalogue(ROUND.questionnaire)
HEADERS = [question.header for question in CATALOGUE.questions]
HEADER = delivery.Header(
    [
        delivery.QuestionColumn(number=q.number, key=q.key, kind=q.kind, text_da=q.text_da, optional=q.optional)
        for q in CATALOGUE.questions
    ]
)
MIDNIGHT = dt.datetime(2022, 11, 14, tzinfo=dt.UTC)

# The same examples every time: a property that fails on one machine fails on all.
property_test = settings(max_examples=50, deadline=None, derandomize=True)
costly_property_test = settings(property_test, max_examples=15)


def case(code="147", case_id="A-1", **answers):
    """One eligible case with every mandatory answer, changed as told."""
    return (
        {q.key: q.options[0].label_da if q.kind == "single" else None for q in CATALOGUE.questions}
        | {
            "municipality_code": code,
            "case_id": case_id,
            "age": "34",
            "residential_cost_dkk": "2.000.000",
            "day_programme_cost_dkk": "0",
            "months_since_follow_up": "6",
        }
        | answers
    )


def csv_bytes(rows, headers=HEADERS):
    """A CSV file of lists of cells under these headers."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([headers, *rows])
    return out.getvalue().encode()


def read_csv(rows, headers=HEADERS):
    """The delivery that a CSV file of these cells is."""
    return delivery.read(csv_bytes(rows, headers), ".csv", HEADER)


def delivered_rows(*deliveries):
    """What `judge` takes as rows: deliveries of (number, municipality of the folder, cases); rows count from 2."""
    return pl.DataFrame(
        [
            {"surplus_fields": False, "cpr_elsewhere": False}
            | answers
            | {"delivery": number, "row": row, "folder_code": code}
            for number, code, cases in deliveries
            for row, answers in enumerate(cases, start=2)
        ],
        schema=dict(tables.delivered_rows(CATALOGUE.version).dtypes),
    )


def delivered_files(*deliveries):
    """What `judge` takes as files: deliveries of (number, municipality, number of rows, rule of a rejected file)."""
    return pl.DataFrame(
        [
            {
                "delivery": number,
                "municipality_code": code,
                "file": f"{number}.xlsx",
                "received_at": MIDNIGHT + dt.timedelta(minutes=number),
                "sha256": "0" * 64,
                "rule": rule,
                "message": "Filen kan ikke læses." if rule else None,
                "rows": None if rule else rows,
                "is_workbook": True,
                "places": [delivery.column_letters(place) for place in range(len(CATALOGUE.keys))],
                "warnings": [],
            }
            for number, code, rows, rule in deliveries
        ],
        schema=dict(tables.DELIVERED_FILES.dtypes),
    )


def judge(*deliveries):
    """What becomes of deliveries of (municipality, cases); None instead of the cases is a file that cannot be read."""
    files = [
        (i, code, len(cases or []), None if cases is not None else "unreadable")
        for i, (code, cases) in enumerate(deliveries)
    ]
    rows = [(i, code, cases) for i, (code, cases) in enumerate(deliveries) if cases is not None]
    return intake.judge(delivered_files(*files), delivered_rows(*rows), ROUND, CATALOGUE)
