"""Made-up extracts small enough to count by hand, for the tests of management information.

What belongs here: grants as the table holds them, and extracts made to have a published report's counts and unit costs. The
citizens and their prices are made up (opdigtet), in every extract; only the totals are published.
"""

import datetime as dt

import polars as pl

from schemas.management_tables import GRANTS

# Ishøj, status of the adult specialised social area (3 January 2024): unique active cases 2023, January to December.
ISHOEJ_2023 = (119, 121, 121, 119, 119, 121, 120, 122, 126, 127, 129, 128)

# Center for Beskæftigelse og Social, management information (April 2025): 205 full-year cases in botilbud in 2025, 182 in
# activity, of which 92 in § 104; unit costs 1.227 million, 254,000 and 316,000. Service area, full-year cases, yearly price.
ALL_2025 = (
    ("sel_107", 61, 1_000_000),
    ("sel_108", 84, 1_400_000),
    ("abl_105_sel_85", 50, 1_200_000),
    (
        "independent_care_home",
        10,
        1_293_500,
    ),  # 205 x 1,227,000 = 61 x 1.0 + 84 x 1.4 + 50 x 1.2 million + 10 x 1,293,500
    ("sel_104", 92, 316_000),
    ("sel_103", 80, 190_600),
    ("sel_103", 10, 190_800),  # 182 x 254,000 = 92 x 316,000 + 80 x 190,600 + 10 x 190,800
)


def participants(**as_of):
    """Participating municipalities, `m183="2024-01-03"` each."""
    return pl.DataFrame(
        {"municipality_code": [code[1:] for code in as_of], "as_of": list(as_of.values())},
        schema={"municipality_code": pl.String, "as_of": pl.String},
    )


ISHOEJ = participants(m183="2024-01-03")


def grant(citizen, service_area, start, end=None, **columns):
    """One grant of Ishøj at 365,000 kr. a year, changed as told; dates as ISO text."""
    return {
        "municipality_code": "183",
        "citizen_id": citizen,
        "birth_year": 1980,
        "service_area": service_area,
        "provider": "own_municipality",
        "start_date": dt.date.fromisoformat(start),
        "end_date": end and dt.date.fromisoformat(end),
        "price_dkk": 365_000,
        "price_unit": "year",
        "as_of": "2024-01-03",
        **columns,
    }


def grants(*rows):
    """The grants in the types of the stored table."""
    return pl.DataFrame(
        [{"row": row, **of_row} for row, of_row in enumerate(rows, start=2)], schema=dict(GRANTS.dtypes)
    )


def extract_with_monthly_counts(counts, year):
    """Citizens who come on the first of a month and go at the end of one, so many that a month has its count.

    Those who came first go first. Each has two services meanwhile, § 85 and § 104.
    """
    spells, active = [], []
    for month, count in enumerate(counts, start=1):
        first = dt.date(year, month, 1)
        while len(active) > count:
            spells.append((*active.pop(0), first - dt.timedelta(days=1)))
        while len(active) < count:
            active.append((f"opdigtet-{len(active) + len(spells)}", first))
    spells += [(*came, None) for came in active]
    return grants(
        *(
            grant(citizen, area, str(start), str(end) if end else None)
            for citizen, start, end in spells
            for area in ("sel_85_own", "sel_104")
        )
    )


def extract_with_unit_costs(earlier_price):
    """All that is in `ALL_2025`, as the extract of 28 February 2025 has it: 2024 at `earlier_price`, then at its price.

    The last full-year case of each line is two citizens in 2025: one until the end of June, and one from then on.
    """
    rows = []
    for area, cases, price in ALL_2025:
        citizens = [f"opdigtet-{area}-{price}-{number}" for number in range(cases + 1)]
        before = [grant(citizen, area, "2024-01-01", "2024-12-31") for citizen in citizens[:-1]]
        after = [
            *(grant(citizen, area, "2025-01-01") for citizen in citizens[:-2]),
            grant(citizens[-2], area, "2025-01-01", "2025-06-30"),
            grant(citizens[-1], area, "2025-07-01"),
        ]
        rows += [{**row, "price_dkk": earlier_price(area, price)} for row in before]
        rows += [{**row, "price_dkk": price} for row in after]
    return grants(*({**row, "as_of": "2025-02-28"} for row in rows))
