"""The field dictionary: every column of every table, written once with type, unit, Danish label and meaning.

Names follow one grammar: the unit in the suffix (`_dkk`, `_per_1000`, `_share`), the same quantity under the same name
everywhere. The answers to the form are not here: they are derived from the question catalogue (`tables.answer_fields`).
"""

from dataclasses import dataclass

import polars as pl

from schemas.extracts import EXTRACTS
from schemas.service_areas import LEVELS

VALUE_STATUSES = ("published", "rounded", "suppressed", "not_reported", "not_applicable")
DELIVERY_STATUSES = ("current", "superseded", "rejected")
FILE_RULES = (
    "unsupported_format",
    "unreadable",
    "empty",
    "duplicate_question",
    "missing_questions",
    "declared_count",
    "too_many_rejected_rows",
)
ROW_RULES = (
    "missing",
    "option",
    "integer",
    "range",
    "amount",
    "unit",
    "municipality",
    "duplicate",
    "cpr",
    "columns",
)
# What rows of an extract may break besides; `overlap` is a warning, and the row counts.
EXTRACT_ROW_RULES = (*ROW_RULES, "date", "end_before_start", "age", "price", "future")
OVERLAP = "overlap"
OUT_OF_SCOPE_REASONS = ("below_threshold", "not_in_residential_care")
INTERVAL_METHODS = ("exact", "byars")
COMPARISONS = ("lower", "similar", "higher")
FUNNEL_LABELS = ("below_998", "below_95", "within", "above_95", "above_998")
RELIABILITIES = ("reliable", "unstable")
AREA_TYPES = ("country", "region", "municipality_group", "municipality")
# Why a value differs from the release before; several are joined by "+".
CHANGE_REASONS = ("late_delivery", "corrected_delivery", "population_revised", "method_version")
# What an expectation of the quality gate does when it is not met: stops the release, or asks for a consultant's look.
SEVERITIES = ("stop", "look")
# Whether a year is over in the extract that it is computed from, or told ahead.
BASES = ("result", "forecast")
# The lines of a forecast; totals are sums of the others.
FORECAST_LINES = ("existing_cases", "inflow_and_outflow", "total_before_refund", "refund", "total")
INITIATIVE_LEVELS = ("initiative", "subtotal", "total")
# What the audit reports on: the areas, the headline findings, and what two releases tell together.
AUDITED = (*AREA_TYPES, "finding", "difference")


@dataclass(frozen=True)
class Field:
    """A column: `minimum` and `maximum` are included, in `unit`; `values` are the only ones allowed; `pattern` is a regex."""

    name: str
    dtype: pl.DataType
    label_da: str
    description: str
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] | None = None
    pattern: str | None = None

    @property
    def constraints(self) -> tuple[str, ...]:
        """The bounds in words, for people who read the column in a catalogue."""
        told = []
        values = self.dtype.categories.to_list() if isinstance(self.dtype, pl.Enum) else self.values
        if values is not None:
            told.append("one of " + ", ".join(values))
        if self.minimum is not None:
            told.append(f"at least {self.minimum:g}")
        if self.maximum is not None:
            told.append(f"at most {self.maximum:g}")
        if self.pattern is not None:
            told.append(f"matches {self.pattern}")
        return tuple(told)


_TEXT, _INT, _FLOAT, _FLAG = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()
_TEXTS = pl.List(pl.String())
_DATE = pl.Date()


def _count(name: str, label_da: str, description: str, unit: str = "cases", minimum: int = 0) -> Field:
    return Field(name, _INT, label_da, description, unit=unit, minimum=minimum)


def _rate(name: str, label_da: str, description: str) -> Field:
    return Field(name, _FLOAT, label_da, description, unit="cases per 1,000 residents aged 18-66", minimum=0)


def _kroner(
    name: str, label_da: str, description: str, *, unit: str = "DKK a year", minimum: int | None = None
) -> Field:
    return Field(name, _INT, label_da, description, unit=unit, minimum=minimum)


def _share(name: str, label_da: str, description: str) -> Field:
    return Field(name, _FLOAT, label_da, description, unit="share (0 to 1)", minimum=0, maximum=1)


def _rank(name: str, label_da: str, description: str) -> Field:
    return Field(name, _INT, label_da, description, minimum=1)


def _word(name: str, label_da: str, description: str, values: tuple[str, ...]) -> Field:
    return Field(name, _TEXT, label_da, description, values=values)


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        # Who and when
        Field("round", _TEXT, "Undersøgelsesrunde", "Survey round, named by its snapshot date", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Field("municipality_code", _TEXT, "Kommunekode", "Municipality, Statistics Denmark's code", pattern=r"^[0-9]{3}$"),
        Field("municipality_name", _TEXT, "Kommune", "Name of the municipality"),
        Field("region_code", _TEXT, "Regionskode", "Region, Statistics Denmark's code", pattern=r"^[0-9]{3}$"),
        Field("region_name", _TEXT, "Region", "Name of the region"),
        Field("municipality_group_code", _TEXT, "Kommunegruppekode", "Municipality group, Statistics Denmark's code", pattern=r"^[0-9]$"),
        Field("municipality_group", _TEXT, "Kommunegruppe", "Statistics Denmark's municipality group (2018)"),
        Field("area_type", _TEXT, "Områdetype", "What kind of area the row is about", values=AREA_TYPES),
        Field("area_code", _TEXT, "Områdekode", "Code of the area; 000 is all participating municipalities"),
        Field("area_name", _TEXT, "Område", "Name of the area"),
        _count("municipalities", "Deltagende kommuner", "Participating municipalities in the area", "municipalities", 1),
        # Deliveries
        Field("delivery", _INT, "Leveringsnummer", "Number of the file within the round's inbox, oldest first per municipality", minimum=0),
        Field("file", _TEXT, "Fil", "Name of the delivered file; anything like a CPR number is masked"),
        Field("received_at", pl.Datetime("us", "UTC"), "Modtaget", "When the file was received (UTC)"),
        Field("status", _TEXT, "Status", "Whether the delivery counts", values=DELIVERY_STATUSES),
        Field("sha256", _TEXT, "Kontrolsum (SHA-256)", "Checksum of the delivered file; null where it was not opened", pattern=r"^[0-9a-f]{64}$"),
        Field("file_rule", _TEXT, "Regel", "Rule for which the file is rejected whole", values=FILE_RULES),
        Field("row_rule", _TEXT, "Regel", "Rule that the row breaks", values=ROW_RULES),
        Field("message", _TEXT, "Besked", "What is wrong and what to write, in Danish"),
        Field("warnings", _TEXTS, "Bemærkninger", "What was noticed and did not stop the delivery, in Danish"),
        Field("is_workbook", _FLAG, "Regneark", "Whether the file is a spreadsheet program's own format"),
        Field("places", _TEXTS, "Kolonner", "Column letters of the questions, in the form's order; null where there is no column"),
        _count("rows", "Rækker læst", "Case rows read", "rows"),
        _count("out_of_scope", "Uden for afgrænsningen", "Valid rows that are not eligible", "rows"),
        _count("rejected", "Afviste rækker", "Rows that break a rule", "rows"),
        _count("eligible_rows", "Medregnede sager", "Rows that are eligible cases", "rows"),
        Field("row", _INT, "Række", "Row number as a spreadsheet shows it", minimum=1),
        Field("question_number", _INT, "Spørgsmål nr.", "Number of the question; null where no question fits", minimum=1),
        Field("folder_code", _TEXT, "Mappens kommunekode", "Municipality that handed the file in", pattern=r"^[0-9]{3}$"),
        Field("surplus_fields", _FLAG, "For mange felter", "Whether the line has more fields than the header"),
        Field("cpr_elsewhere", _FLAG, "CPR uden for skemaet", "Whether a cell outside the form's columns looks like a CPR number"),
        # Cases
        Field("total_cost_dkk", _INT, "Samlet årlig udgift", "Residential plus day programme cost, before state refund", unit="DKK a year", minimum=0),
        Field("eligible", _FLAG, "Medregnes", "In residential care on the snapshot date and at or above the round's threshold"),
        Field("out_of_scope_reason", _TEXT, "Årsag til ikke at medregnes", "Why a valid row is not eligible", values=OUT_OF_SCOPE_REASONS),
        Field("reports_for", _TEXT, "Indberetter også for", "Codes of the municipalities whose cases and residents are counted in, `;` between; null for none", pattern=r"^[0-9]{3}(;[0-9]{3})*$"),
        # Population
        _count("population_18_66", "Befolkning 18-66 år", "Residents aged 18-66", "residents", 1),
        Field("population_quarter", _TEXT, "Befolkningskvartal", "Quarter that the population is from", pattern=r"^[0-9]{4}K[1-4]$"),
        Field("source", _TEXT, "Kilde", "Where the figure comes from"),
        # Figures
        _count("cases", "Sager", "Eligible cases"),
        _count("answered", "Sager med svar", "Eligible cases with an answer to the question"),
        _rate("rate_per_1000", "Sager pr. 1.000 18-66-årige", "Eligible cases of all ages per 1,000 residents aged 18-66"),
        Field("rank", _INT, "Placering", "1 is the highest rate; ties share the smallest rank", minimum=1),
        _rate("pooled_rate_per_1000", "Samlet rate", "Sum of cases by sum of residents, per 1,000"),
        _rate("unweighted_mean_rate_per_1000", "Gennemsnit af kommunernes rater", "Mean of municipal rates, every municipality weighing the same"),
        _rate("min_rate_per_1000", "Laveste rate", "Smallest municipal rate"),
        _rate("lower_quartile_rate_per_1000", "Nedre kvartil", "First quartile of municipal rates, interpolated linearly"),
        _rate("median_rate_per_1000", "Median", "Median of municipal rates"),
        _rate("upper_quartile_rate_per_1000", "Øvre kvartil", "Third quartile of municipal rates, interpolated linearly"),
        _rate("max_rate_per_1000", "Højeste rate", "Largest municipal rate"),
        _share("share", "Andel", "Share of the cases with an answer"),
        Field("rounding_base", _INT, "Afrundet til", "What the count is rounded to a multiple of; null where it is not rounded", minimum=2),
        Field("figures_from_release", _TEXT, "Tal fra udgivelse", "Release whose figures these are; null where they are of this release's deliveries", pattern=r"^[0-9a-f]{16}$"),
        Field("value_status", _TEXT, "Status for tallet", "What the number is, or why it is not there", values=VALUE_STATUSES),
        Field("target_group_level", _TEXT, "Målgruppeniveau", "Main groups or the form's own options", values=("main", "detailed")),
        Field("target_group_code", _TEXT, "Målgruppe", "Code of the main or detailed target group"),
        Field("provider_type", _TEXT, "Leverandørtype", "Who runs the placement, in three types", values=("municipal", "regional", "private")),
        Field("question", _TEXT, "Spørgsmål", "Key of the question"),
        Field("answer", _TEXT, "Svar", "Code of the answer"),
        Field("finding", _TEXT, "Hovedresultat", "Code of the headline finding"),
        Field("label_da", _TEXT, "Tekst", "The finding in words, Danish"),
        _count("numerator", "Tæller", "Eligible cases for which the finding holds"),
        _count("denominator", "Nævner", "Eligible cases with an answer"),
        # How sure the figures are
        _rate("ci95_lower", "95 %-interval, nedre grænse", "Lower 95 % limit of the rate: exact below 10 cases, Byar from 10"),
        _rate("ci95_upper", "95 %-interval, øvre grænse", "Upper 95 % limit of the rate: exact below 10 cases, Byar from 10"),
        _rate("ci998_lower", "99,8 %-interval, nedre grænse", "Lower 99.8 % limit of the rate: exact below 10 cases, Byar from 10"),
        _rate("ci998_upper", "99,8 %-interval, øvre grænse", "Upper 99.8 % limit of the rate: exact below 10 cases, Byar from 10"),
        _word("interval_method", "Metode for interval", "How the limits of the rate are computed", INTERVAL_METHODS),
        _word("comparison_country", "Sammenlignet med hele landet", "Whether the 95 % interval lies below, holds or lies above the pooled rate of all participants", COMPARISONS),
        _word("comparison_region", "Sammenlignet med regionen", "Whether the 95 % interval lies below, holds or lies above the region's pooled rate", COMPARISONS),
        _word("comparison_municipality_group", "Sammenlignet med kommunegruppen", "Whether the 95 % interval lies below, holds or lies above the municipality group's pooled rate", COMPARISONS),
        _word("funnel_label", "Placering i tragtdiagrammet", "Whether chance alone may explain the distance to the country's pooled rate (Poisson)", FUNNEL_LABELS),
        _word("funnel_label_overdispersed", "Placering i tragtdiagrammet, udvidet", "Whether chance and the usual differences may explain the distance (negative binomial)", FUNNEL_LABELS),
        _rate("eb_rate_per_1000", "Udjævnet rate", "Rate drawn towards the country's pooled rate, the more the fewer residents (Marshall 1991)"),
        _rate("eb_ci95_lower", "Udjævnet rate, nedre grænse", "Lower limit of the shrunken rate's 95 % credible interval"),
        _rate("eb_ci95_upper", "Udjævnet rate, øvre grænse", "Upper limit of the shrunken rate's 95 % credible interval"),
        _rank("rank_ci95_lower", "Placering, 95 %-interval, højeste", "Smallest rank number that the true rate may have (95 %)"),
        _rank("rank_ci95_upper", "Placering, 95 %-interval, laveste", "Largest rank number that the true rate may have (95 %)"),
        *(_rank(f"rank_if_plus_{k}", f"Placering ved {k} {'sag' if k == 1 else 'sager'} mere", f"Rank if it had {k} more, all others as they are") for k in (1, 2, 3)),
        *(_rank(f"rank_if_minus_{k}", f"Placering ved {k} {'sag' if k == 1 else 'sager'} mindre", f"Rank if it had {k} fewer (never fewer than none), all others as they are") for k in (1, 2, 3)),
        _word("reliability", "Pålidelighed", "Reliable with at least 10 cases and a 95 % interval no wider than 160 % of the rate", RELIABILITIES),
        # Averages
        Field("dispersion", _FLOAT, "Spredning i forhold til tilfældighed", "Pearson's chi-square by its degrees of freedom: about 1 is chance alone; null with one municipality or no cases", minimum=0),
        Field("eb_b", _FLOAT, "Udjævning: samlet rate (b)", "Pooled rate that rates are drawn towards", unit="cases per resident aged 18-66", minimum=0),
        Field("eb_s2", _FLOAT, "Udjævning: raternes varians (s²)", "Variance of the observed rates, weighted by residents", unit="(cases per resident aged 18-66) squared", minimum=0),
        Field("eb_a", _FLOAT, "Udjævning: varians ud over tilfældighed (a)", "Variance of the true rates; 0 where chance explains all", unit="(cases per resident aged 18-66) squared", minimum=0),
        # The funnel's lines
        _rate("baseline_rate_per_1000", "Tragtdiagrammets midterlinje", "Pooled rate of all participants"),
        Field("expected_cases", _FLOAT, "Forventede sager", "Cases expected of so many residents at the baseline", unit="cases", minimum=0),
        _rate("limit95_lower", "95 %-grænse, nedre", "Lower 95 % funnel line at so many residents"),
        _rate("limit95_upper", "95 %-grænse, øvre", "Upper 95 % funnel line at so many residents"),
        _rate("limit998_lower", "99,8 %-grænse, nedre", "Lower 99.8 % funnel line at so many residents"),
        _rate("limit998_upper", "99,8 %-grænse, øvre", "Upper 99.8 % funnel line at so many residents"),
        # What the audit found
        _word("audited", "Gennemgået", "Kind of area of the counts; finding: headline findings; difference: what releases tell together", AUDITED),
        _count("cells", "Tal i alt", "Counts in the shared files of the candidate", "counts"),
        _count("hidden_cells", "Skjulte tal", "Counts that are suppressed", "counts"),
        _count("rounded_cells", "Afrundede tal", "Counts that are rounded", "counts"),
        _count("small_cells", "Små tal", "Hidden or rounded counts that nobody may find out", "counts"),
        _count("narrowest_interval", "Smalleste interval", "Largest less smallest value that a small count can have, the narrowest for any attacker; null without small counts"),
        _count("exposed_cells", "Afslørede små tal", "Small counts that somebody can find out; a release has none", "counts"),
        _count("faulty_figures", "Røbende afledte tal", "Figures that give a hidden count back, or say otherwise than the rounded one; a release has none", "figures"),
        _count("attackers", "Angribere", "The outsider and every participant", "attackers", 1),
        Field("candidate_sha256", _TEXT, "Kontrolsum for kandidaten", "Checksum of what was audited (the shared files) or judged (all tables of the release)", pattern=r"^[0-9a-f]{64}$"),
        Field("earlier_releases", _TEXTS, "Tidligere udgivelser", "Releases of the round that were read with the candidate; without those that show the same"),
        # What differs from the release before
        Field("changed_file", _TEXT, "Fil", "The table as a parquet file within the release"),
        Field("changed_key", _TEXT, "Række", "The row: its key columns with their values"),
        Field("changed_column", _TEXT, "Kolonne", "The column"),
        Field("old", _TEXT, "Før", "The value in the release before; null where there was none"),
        Field("new", _TEXT, "Nu", "The value in this release; null where there is none"),
        Field("reason", _TEXT, "Årsag", "Why it differs: late_delivery, corrected_delivery, population_revised or method_version; several are joined by +", pattern=rf"^(?:{'|'.join(CHANGE_REASONS)})(?:\+(?:{'|'.join(CHANGE_REASONS)}))*$"),
        # What the quality gate found
        Field("expectation", _TEXT, "Forventning", "Code of the expectation", pattern=r"^[a-z0-9_]+$"),
        Field("about", _TEXT, "Tabel", "Table that the expectation is about"),
        _word("severity", "Alvor", "Whether an unmet expectation stops the release or needs a consultant's look", SEVERITIES),
        Field("expected_da", _TEXT, "Hvad der forventes", "The expectation in words, Danish"),
        Field("met", _FLAG, "Opfyldt", "Whether the expectation is met"),
        _count("rows_checked", "Rækker undersøgt", "Rows that the expectation looked at", "rows"),
        _count("rows_failing", "Rækker, der ikke passer", "Rows that do not meet the expectation", "rows"),
        Field("failing_keys", _TEXTS, "Hvor", "Which rows do not meet it: codes of areas, municipalities, questions, answers or columns, never a value"),
        Field("action_da", _TEXT, "Hvad der skal gøres", "What to do, Danish; null where the expectation is met"),
        Field("warning_id", _TEXT, "Advarslens id", "What a consultant accepts the warning by; null where there is none", pattern=r"^[0-9a-f]{12}$"),
        Field("accepted_by", _TEXT, "Godkendt af", "Who accepted the warning; null where nobody did"),
        Field("accepted_reason", _TEXT, "Begrundelse", "Why the warning was accepted"),
        Field("accepted_at", pl.Datetime("us", "UTC"), "Godkendt", "When the warning was accepted (UTC)"),
        # Shares
        _share("share_ci95_lower", "Andel, 95 %-interval, nedre grænse", "Lower 95 % limit of the share (Wilson)"),
        _share("share_ci95_upper", "Andel, 95 %-interval, øvre grænse", "Upper 95 % limit of the share (Wilson)"),
        # Extracts
        _word("extract", "Udtræk", "Which extract the file or row is of", EXTRACTS),
        _count("accepted", "Godkendte rækker", "Rows that break no rule", "rows"),
        Field("extract_row_rule", _TEXT, "Regel", "Rule that the row breaks", values=EXTRACT_ROW_RULES),
        Field("citizen_id", _TEXT, "Borgernøgle", "The municipality's own pseudonym of a citizen"),
        Field("birth_year", _INT, "Fødselsår", "Year of birth", minimum=1900),
        Field("provider", _TEXT, "Leverandør", "Who provides the service"),
        Field("start_date", _DATE, "Startdato", "First day of the service"),
        Field("end_date", _DATE, "Slutdato", "Last day of the service; null where it goes on"),
        _kroner("price_dkk", "Pris", "Price of the service per price_unit, before state refund", unit="DKK per price_unit", minimum=0),
        _word("price_unit", "Prisenhed", "What the price is per", ("day", "month", "year")),
        _kroner("own_payment_dkk", "Egenbetaling", "What the citizen pays a year; null for nothing", minimum=0),
        Field("initiative", _TEXT, "Tiltag", "The municipality's own key of an initiative"),
        _word("direction", "Retning", "Whether citizens come or go", ("inflow", "outflow")),
        Field("start_month", _INT, "Måned", "Mean month (1-12) from whose first day the change has effect", minimum=1, maximum=12),
        _kroner("yearly_price_dkk", "Pris pr. år", "Mean yearly price per citizen", minimum=0),
        Field("initiative_name", _TEXT, "Tiltagets navn", "What the initiative is called"),
        Field("legal_basis", _TEXT, "Område", "Service area or group that the effect is counted under"),
        _kroner("saving_dkk_per_month", "Besparelse pr. borger og måned", "Saving per citizen and month; negative where it costs", unit="DKK a month"),
        Field("is_counted", _FLAG, "Tæller med i alt", "Whether the effect is in the totals, or only shown"),
        # Management information
        Field("year", _INT, "År", "Calendar year", minimum=2000),
        Field("month", _TEXT, "Måned", "Calendar month", pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$"),
        _word("basis", "Grundlag", "Whether the extract was made after the end of the year (result) or before it (forecast)", BASES),
        Field("as_of", _TEXT, "Opgjort pr.", "Danish day on which the extract was received", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        _word("service_area_level", "Niveau", "A service area, a group of them, or all", LEVELS),
        Field("service_area", _TEXT, "Ydelse", "Code of the service area or the group, or `all`"),
        _count("active_cases", "Aktive sager", "Citizens with a service on any day of the month, each once", "citizens"),
        _count("citizens", "Borgere", "Citizens with a service on any day of the year; in groups and `all` once per service area", "citizens"),
        Field("full_year_cases", _FLOAT, "Helårssager", "Cases by the part of the year in which they are active", unit="full-year cases", minimum=0),
        _kroner("cost_dkk", "Udgift", "Cost in the year, before state refund", minimum=0),
        _kroner("unit_cost_dkk", "Enhedsudgift", "Cost per full-year case; null without cases", minimum=0),
        _kroner("unit_cost_fixed_dkk", "Enhedsudgift i faste priser", "Cost per full-year case in the prices of price_level_year; null without cases", minimum=0),
        Field("price_level_year", _INT, "Prisniveau", "Year whose prices fixed prices are", minimum=2000),
        _kroner("unit_cost_change_fixed_dkk", "Udvikling i enhedsudgift, faste priser", "Change from the year before in fixed prices; null without both"),
        _count("cases_over_threshold", "Sager over beløbsgrænsen", "Citizens in residential care on the snapshot date whose botilbud and dagtilbud cost the threshold or more a year", "citizens"),
        _count("cases_reported", "Indberettede sager", "Eligible cases in the screening of the same year; null where there is none"),
        Field("difference", _INT, "Forskel", "Cases by the grants less cases reported; null where none are reported", unit="cases"),
        _kroner("refund_dkk", "Refusion", "State refund for particularly expensive single cases, SEL § 176", minimum=0),
        _word("forecast_line", "Linje", "Line of the forecast; totals are sums of the others", FORECAST_LINES),
        _kroner("forecast_dkk", "Prognose", "What the line is told to cost in the year; income is negative"),
        _kroner("forecast_ci95_lower_dkk", "Prognose, 95 %-interval, nedre grænse", "Lower 95 % limit of the forecast"),
        _kroner("forecast_ci95_upper_dkk", "Prognose, 95 %-interval, øvre grænse", "Upper 95 % limit of the forecast"),
        _kroner("budget_dkk", "Budget", "What the line is budgeted to cost; null without a budget"),
        _kroner("deviation_dkk", "Afvigelse", "Forecast less budget; null without a budget"),
        _word("initiative_level", "Niveau", "An initiative, the subtotal of a legal basis, or the total", INITIATIVE_LEVELS),
        _kroner("estimated_effect_dkk", "Skønnet effekt", "What the initiative is estimated to save in the year"),
        _kroner("realised_effect_dkk", "Realiseret effekt", "Citizens times months since the start times saving"),
        _kroner("realised_from_grants_dkk", "Realiseret effekt efter bevillingerne", "Months that citizens have grants of the initiative times saving; null without such grants"),
        _kroner("earlier_cost_dkk", "Udgift året før", "Cost in the earlier year", minimum=0),
        _kroner("later_cost_dkk", "Udgift i året", "Cost in the later year", minimum=0),
        _kroner("volume_effect_dkk", "Mængde", "Change of cost by more or fewer full-year cases at the earlier mean unit cost"),
        _kroner("price_effect_dkk", "Pris", "Change of cost by other unit costs within service areas"),
        _kroner("mix_effect_dkk", "Sammensætning", "Change of cost by another mix of service areas"),
        Field("full_year_cases_per_1000", _FLOAT, "Helårssager pr. 1.000 18-66-årige", "Full-year cases per 1,000 residents aged 18-66", unit="full-year cases per 1,000 residents aged 18-66", minimum=0),
        Field("full_year_cases_ci95_lower", _FLOAT, "Helårssager pr. 1.000, 95 %-interval, nedre grænse", "Lower 95 % limit of full-year cases per 1,000 residents", unit="full-year cases per 1,000 residents aged 18-66", minimum=0),
        Field("full_year_cases_ci95_upper", _FLOAT, "Helårssager pr. 1.000, 95 %-interval, øvre grænse", "Upper 95 % limit of full-year cases per 1,000 residents", unit="full-year cases per 1,000 residents aged 18-66", minimum=0),
        _kroner("unit_cost_ci95_lower_dkk", "Enhedsudgift, 95 %-interval, nedre grænse", "Lower 95 % limit of the unit cost; null with fewer than two citizens", minimum=0),
        _kroner("unit_cost_ci95_upper_dkk", "Enhedsudgift, 95 %-interval, øvre grænse", "Upper 95 % limit of the unit cost; null with fewer than two citizens", minimum=0),
        *(
            _word(f"{what}_comparison_{area}", f"{what_da} sammenlignet med {area_da}", f"Whether the 95 % interval of the {told} lies below, holds or lies above that of {area_told}; null where either is not shown and for areas", COMPARISONS)
            for what, what_da, told in (("volume", "Helårssager pr. 1.000", "full-year cases per 1,000"), ("unit_cost", "Enhedsudgift", "unit cost"))
            for area, area_da, area_told in (("country", "hele landet", "all participants"), ("region", "regionen", "the region"), ("municipality_group", "kommunegruppen", "the municipality group"))
        ),
        _word("unit_cost_status", "Status for enhedsudgiften", "What the unit cost is, or why it is not there", VALUE_STATUSES),
        Field("unit_cost_rounding_dkk", _INT, "Enhedsudgift afrundet til", "What the unit cost is rounded to a multiple of; null where it is not rounded", unit="DKK", minimum=1),
        # Changes between rounds (earlier_* / later_* are pairs on round, cases, population_18_66, rate_per_1000)
        Field("rate_ratio", _FLOAT, "Forhold mellem raterne", "Later rate by earlier rate; null without earlier cases", unit="ratio", minimum=0),
        Field("rate_ratio_ci95_lower", _FLOAT, "Forhold mellem raterne, nedre grænse", "Lower 95 % limit of the ratio", unit="ratio", minimum=0),
        Field("rate_ratio_ci95_upper", _FLOAT, "Forhold mellem raterne, øvre grænse", "Upper 95 % limit of the ratio; null where there is none", unit="ratio", minimum=0),
        _word("change", "Ændring", "Whether the ratio's 95 % interval lies below, holds or lies above 1", COMPARISONS),
        Field("warning_da", _TEXT, "Forbehold", "What two snapshots do not say, in Danish"),
    )
}  # fmt: skip
