"""What tables, units and words are called in Danish: what people read where data use English identifiers.

Labels of single columns stand beside them (`fields.py`), texts of questions and answers in the question catalogue. Where
and how any of it is shown is not decided here.
"""

from typing import NamedTuple

from schemas.extracts import EXTRACTS
from schemas.fields import (
    AREA_TYPES,
    AUDITED,
    BASES,
    COMPARISONS,
    DELIVERY_STATUSES,
    FORECAST_LINES,
    FUNNEL_LABELS,
    INITIATIVE_LEVELS,
    INTERVAL_METHODS,
    OUT_OF_SCOPE_REASONS,
    RELIABILITIES,
    SEVERITIES,
    VALUE_STATUSES,
)
from schemas.service_areas import LEVELS

FIGURES_SOURCE = "Kilde: Egne beregninger baseret på tal fra Danmarks Statistik"
SCREENING_SOURCE = "Kilde: Egne beregninger baseret på kommunernes screening af særligt dyre enkeltsager"
DELIVERIES_SOURCE = "Kilde: Kommunernes afleveringer"
GRANTS_SOURCE = "Kilde: Egne beregninger baseret på kommunernes udtræk af bevilgede ydelser"
STATISTICS_DENMARK_SOURCE = "Kilde: Danmarks Statistik"


class TableText(NamedTuple):
    """A table's title (31 characters at most: it names a sheet), what it shows and what one row is, and its source line."""

    title: str
    description: str
    source: str = FIGURES_SOURCE


TABLES_DA = {
    "case_rates": TableText(
        "Sager pr. 1.000 18-66-årige",
        "Medregnede sager i hver deltagende kommune, i alt og pr. 1.000 indbyggere på 18-66 år, med placering og "
        "usikkerhed. Én række pr. deltagende kommune; en kommune uden sager har raten 0.",
    ),
    "area_averages": TableText(
        "Gennemsnit for områder",
        "Raternes gennemsnit og spredning i hele landet, regionerne og kommunegrupperne. Én række pr. område.",
    ),
    "funnel_limits": TableText(
        "Tragtdiagrammets linjer",
        "De grænser, som raten holder sig inden for ved tilfældighed alene, efter antallet af indbyggere på 18-66 år. "
        "Én række pr. antal indbyggere, til at tegne linjerne efter.",
    ),
    "round_changes": TableText(
        "Ændringer mellem runder",
        "Raten i denne runde sammenlignet med runden før. Én række pr. kommune, der deltog i begge. To øjebliksbilleder "
        "viser ikke en udvikling.",
    ),
    "target_groups": TableText(
        "Målgrupper",
        "Medregnede sager fordelt på målgrupper, i hovedgrupper og i skemaets egne svar. Én række pr. område, niveau og "
        "målgruppe, også hvor der ingen sager er.",
    ),
    "provider_types": TableText(
        "Leverandørtyper",
        "Medregnede sager fordelt på, om en kommune, en region eller en privat driver tilbuddet. Én række pr. område og "
        "leverandørtype, også hvor der ingen sager er.",
    ),
    "question_answers": TableText(
        "Svar på spørgsmål",
        "Medregnede sager fordelt på svarene på skemaets lukkede spørgsmål. Én række pr. område, spørgsmål og svar, også "
        "hvor der ingen sager er.",
    ),
    "key_findings": TableText(
        "Hovedresultater",
        "Hvor mange af de medregnede sager i hele landet der passer med hvert hovedresultat. Én række pr. hovedresultat.",
        SCREENING_SOURCE,
    ),
    "responses": TableText(
        "Sager",
        "De godkendte rækker fra den aflevering, der gælder, med svarene som koder, også rækker uden for afgrænsningen. "
        "Én række pr. sag.",
        DELIVERIES_SOURCE,
    ),
    "delivery_log": TableText(
        "Afleveringer", "De filer, der er afleveret, og hvad der blev af dem. Én række pr. fil.", DELIVERIES_SOURCE
    ),
    "rejected_rows": TableText(
        "Afviste rækker",
        "Fejlene i de afviste rækker i den aflevering, der gælder. Én række pr. fejl.",
        DELIVERIES_SOURCE,
    ),
    "delivered_files": TableText(
        "Afleverede filer", "De afleverede filer, som de er læst. Én række pr. fil.", DELIVERIES_SOURCE
    ),
    "delivered_rows": TableText(
        "Afleverede rækker", "Sagerne, som de er afleveret. Én række pr. række i en fil.", DELIVERIES_SOURCE
    ),
    "municipalities": TableText(
        "Kommuner", "Kommuner med region og kommunegruppe. Én række pr. kommune.", STATISTICS_DENMARK_SOURCE
    ),
    "population": TableText("Befolkning", "Indbyggere på 18-66 år. Én række pr. kommune.", STATISTICS_DENMARK_SOURCE),
    "answer_counts": TableText(
        "Optalte svar",
        "Medregnede sager efter svar. Én række pr. deltagende kommune, spørgsmål og svar, også hvor der ingen sager er.",
        SCREENING_SOURCE,
    ),
    "disclosure_audit": TableText(
        "Gennemgang af små tal",
        "Hvad gennemgangen fandt i de fælles filer. Én række pr. slags område.",
        "Kilde: Egne beregninger",
    ),
    "quality_report": TableText(
        "Kvalitetskontrol",
        "Om tallene er, som det kan forventes, før de udgives. Én række pr. forventning.",
        "Kilde: Egne beregninger",
    ),
    "changes": TableText(
        "Ændringer siden sidst",
        "De tal og svar, der er anderledes end i den forrige udgivelse, og hvorfor. Én række pr. værdi.",
        "Kilde: Egne beregninger",
    ),
}

TABLES_DA |= {
    "extract_log": TableText(
        "Afleverede udtræk",
        "De udtræk, der er afleveret, og hvad der blev af dem. Én række pr. fil.",
        DELIVERIES_SOURCE,
    ),
    "extract_rejected_rows": TableText(
        "Afviste rækker i udtræk",
        "Fejlene i de afviste rækker i de udtræk, der gælder. Én række pr. fejl.",
        DELIVERIES_SOURCE,
    ),
    "extract_warnings": TableText(
        "Overlappende bevillinger",
        "Bevillinger, der overlapper en tidligere bevilling af samme ydelse til samme borger. Begge tæller med, borgerens dage "
        "én gang. Én række pr. bevilling.",
        DELIVERIES_SOURCE,
    ),
    "grants": TableText(
        "Bevillinger", "De godkendte rækker i bevillingsudtrækkene. Én række pr. bevilling.", GRANTS_SOURCE
    ),
    "budgets": TableText(
        "Budgetter", "Budgettet for prognosens linjer. Én række pr. kommune, år og linje.", GRANTS_SOURCE
    ),
    "planned_changes": TableText(
        "Forventet tilgang og afgang", "Tilgang og afgang i løbet af året. Én række pr. slags ændring.", GRANTS_SOURCE
    ),
    "initiatives": TableText("Tiltag", "Tiltag med skønnet effekt. Én række pr. tiltag og år.", GRANTS_SOURCE),
    "year_population": TableText(
        "Befolkning i året", "Indbyggere på 18-66 år. Én række pr. kommune.", STATISTICS_DENMARK_SOURCE
    ),
    "monthly_active_cases": TableText(
        "Aktive sager pr. måned",
        "Borgere med mindst én aktiv dag i måneden, hver talt én gang, også pr. ydelse. Én række pr. måned og ydelse.",
        GRANTS_SOURCE,
    ),
    "full_year_cases": TableText(
        "Helårssager og enhedsudgifter",
        "En sag tæller med den del af året, hvor den er aktiv. Enhedsudgiften er udgiften pr. helårssag i løbende priser. Én "
        "række pr. ydelse, gruppe og i alt; grupper og i alt er summer, så en borger med to ydelser tæller i begge.",
        GRANTS_SOURCE,
    ),
    "unit_costs": TableText(
        "Udvikling i enhedsudgifter",
        "Enhedsudgiften i året og de tre år før, i løbende og i faste priser. Én række pr. år og ydelse, gruppe og i alt. "
        "Resultat og prognose er holdt ude fra hinanden i kolonnen basis.",
        GRANTS_SOURCE,
    ),
    "cases_over_threshold": TableText(
        "Sager over beløbsgrænsen",
        "Borgere i botilbud på opgørelsesdatoen, hvis botilbud og dagtilbud tilsammen koster beløbsgrænsen eller mere om "
        "året, før statsrefusion.",
        GRANTS_SOURCE,
    ),
    "threshold_reconciliation": TableText(
        "Afstemning med screeningen",
        "Sager over beløbsgrænsen efter bevillingerne ved siden af dem, kommunen har indberettet i årets screening.",
        GRANTS_SOURCE,
    ),
    "refunds": TableText(
        "Refusion for dyre enkeltsager",
        "Statsrefusion for særligt dyre enkeltsager (SEL § 176), opgjort måned for måned.",
        GRANTS_SOURCE,
    ),
    "forecast": TableText(
        "Prognose og budget",
        "Hvad året ventes at koste, linje for linje, ved siden af budgettet. Indtægter er negative. Én række pr. linje.",
        GRANTS_SOURCE,
    ),
    "initiative_effects": TableText(
        "Effekt af tiltag",
        "Skønnet og realiseret effekt af tiltagene, med subtotaler og i alt. Tiltag, der kun vises, er ikke talt med i summer.",
        GRANTS_SOURCE,
    ),
    "cost_drivers": TableText(
        "Hvad ændrer udgiften",
        "Ændringen i udgiften fra året før, delt på mængde, pris og sammensætning, som tilsammen giver ændringen.",
        GRANTS_SOURCE,
    ),
    "service_area_benchmarks": TableText(
        "Helårssager og priser",
        "Helårssager pr. 1.000 18-66-årige og enhedsudgift for hver ydelse, gruppe og i alt, i hele landet, regioner, "
        "kommunegrupper og kommuner. Én række pr. område og ydelse.",
        GRANTS_SOURCE,
    ),
    "benchmark_audit": TableText(
        "Gennemgang af få borgere",
        "Hvad gennemgangen fandt i de fælles tal. Én række pr. slags område.",
        "Kilde: Egne beregninger",
    ),
    "management_quality": TableText(
        "Kvalitetskontrol af året",
        "Om årets tal er, som det kan forventes, før de udgives. Én række pr. forventning.",
        "Kilde: Egne beregninger",
    ),
}

# The same as everybody may see them, by the assets that make them.
TABLES_DA |= {
    f"shared_{name}": TABLES_DA[name]._replace(title=f"{TABLES_DA[name].title} (fælles)")
    for name in ("target_groups", "provider_types", "question_answers", "key_findings", "service_area_benchmarks")
}

UNITS_DA = {
    "cases": "sager",
    "rows": "rækker",
    "municipalities": "kommuner",
    "residents": "indbyggere",
    "counts": "tal",
    "figures": "tal",
    "attackers": "angribere",
    "citizens": "borgere",
    "full-year cases": "helårssager",
    "full-year cases per 1,000 residents aged 18-66": "helårssager pr. 1.000 indbyggere på 18-66 år",
    "DKK": "kr.",
    "DKK a month": "kr. pr. måned",
    "DKK per price_unit": "kr. pr. prisenhed",
    "ratio": "forhold (1 er ens)",
    "DKK a year": "kr. pr. år",
    "share (0 to 1)": "andel (0 til 1)",
    "cases per 1,000 residents aged 18-66": "sager pr. 1.000 indbyggere på 18-66 år",
    "cases per resident aged 18-66": "sager pr. indbygger på 18-66 år",
    "(cases per resident aged 18-66) squared": "(sager pr. indbygger på 18-66 år) i anden potens",
}

# Why a value differs from the release before; by the words of `fields.CHANGE_REASONS`.
CHANGE_REASONS_DA = {
    "late_delivery": "nye afleveringer",
    "corrected_delivery": "rettede afleveringer",
    "population_revised": "nye befolkningstal",
    "method_version": "ændret beregningsmetode",
}

# What a release is; by the words of `pipelines.release.life`.
RELEASE_STATUSES_DA = {"preliminary": "foreløbig", "final": "endelig", "withdrawn": "trukket tilbage"}

# By the words that a column allows, as `Field.values` lists them.
VALUES_DA: dict[tuple[str, ...], dict[str, str]] = {
    VALUE_STATUSES: {
        "published": "vist, som det er",
        "rounded": "afrundet til et multiplum af tallet i rounding_base",
        "suppressed": "skjult: tallet findes, men vises ikke, fordi det eller et andet tal er lille",
        "not_reported": "ikke indberettet",
        "not_applicable": "giver ikke mening her",
    },
    DELIVERY_STATUSES: {
        "current": "gælder",
        "superseded": "erstattet af en nyere aflevering",
        "rejected": "afvist",
    },
    OUT_OF_SCOPE_REASONS: {
        "below_threshold": "udgiften er under beløbsgrænsen",
        "not_in_residential_care": "ikke i botilbud på opgørelsesdatoen",
    },
    INTERVAL_METHODS: {"exact": "eksakt (under 10 sager)", "byars": "Byars metode (fra 10 sager)"},
    COMPARISONS: {
        "lower": "lavere",
        "similar": "forskellen kan være tilfældig",
        "higher": "højere",
    },
    FUNNEL_LABELS: {
        "below_998": "under 99,8 %-grænsen",
        "below_95": "under 95 %-grænsen",
        "within": "inden for grænserne",
        "above_95": "over 95 %-grænsen",
        "above_998": "over 99,8 %-grænsen",
    },
    RELIABILITIES: {"reliable": "pålidelig", "unstable": "usikker: få sager eller bredt interval"},
    AREA_TYPES: {
        "country": "hele landet",
        "region": "region",
        "municipality_group": "kommunegruppe",
        "municipality": "kommune",
    },
    AUDITED: {
        "country": "hele landet",
        "region": "region",
        "municipality_group": "kommunegruppe",
        "municipality": "kommune",
        "finding": "hovedresultat",
        "difference": "forskel mellem udgivelser",
    },
    EXTRACTS: {
        "grants": "bevillinger",
        "budgets": "budgetter",
        "planned_changes": "forventet tilgang og afgang",
        "initiatives": "tiltag",
    },
    BASES: {
        "result": "resultat: udtrækket er fra efter årets udgang",
        "forecast": "prognose: året er ikke omme i udtrækket",
    },
    LEVELS: {"service_area": "ydelse", "group": "gruppe af ydelser", "all": "alle ydelser"},
    FORECAST_LINES: {
        "existing_cases": "eksisterende aktive sager",
        "inflow_and_outflow": "tilgang og afgang i løbet af året",
        "total_before_refund": "i alt før refusion",
        "refund": "refusion for særligt dyre enkeltsager",
        "total": "i alt",
    },
    INITIATIVE_LEVELS: {"initiative": "tiltag", "subtotal": "subtotal", "total": "i alt"},
    ("inflow", "outflow"): {"inflow": "tilgang", "outflow": "afgang"},
    ("day", "month", "year"): {"day": "dag", "month": "måned", "year": "år"},
    SEVERITIES: {"stop": "stopper udgivelsen", "look": "en konsulent skal se på det"},
    ("main", "detailed"): {"main": "hovedgruppe", "detailed": "skemaets eget svar"},
}


def table_title(name: str) -> str:
    """What a table of this name is called."""
    return TABLES_DA[name].title
