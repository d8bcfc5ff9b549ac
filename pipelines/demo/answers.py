"""The made-up answers of the cases that count: which shares, and what goes with what. No rows, faults or files here.

The shares are those of the published headline findings (KL and Komponent, December 2023) where there is one; the rest
is made up. A question or an option that is not named here is drawn with equal chances, so that a later version of the
catalogue needs no change.
"""

import datetime as dt
from typing import TypeAlias

from pipelines.demo.draws import Draws, quotas
from pipelines.demo.plan import PUBLISHED_ROUND, eligible_cases
from schemas.questionnaire import Catalogue, Question
from schemas.rounds import Round

Answer: TypeAlias = str | int | dt.date | tuple[str, ...] | None
Answers: TypeAlias = dict[str, Answer]

COMMENT = "Opdigtet sag"

# Percent of the cases. Within a question, options are dealt out in this order: the choosiest first.
SHARES: dict[str, dict[str, float]] = {
    "gender": {"male": 66, "female": 33, "other": 1},
    "in_residential_care": {"yes": 100, "no": 0},
    "municipality_role": {"both": 88, "paying": 9, "acting": 3},
    "time_above_threshold": {
        "since_age_18": 41,
        "over_5_years": 17,
        "3_to_5_years": 17,
        "1_to_2_years": 15,
        "under_1_year": 10,
    },
    "cost_trend": {"unchanged": 52, "increased": 36, "decreased": 12},
    "main_cost_driver": {
        "staffing": 49,
        "night_cover": 13,
        "physical_setting": 13,
        "expertise": 15,
        "somatic_care": 5,
        "other": 5,
    },
    "target_group": {
        "intellectual_disability": 33,
        "autism_with_intellectual_disability": 19,
        "autism_without_intellectual_disability": 14,
        "attention_disorder": 2,
        "congenital_brain_injury": 3,
        "acquired_brain_injury": 7,
        "altered_perception_of_reality": 11,
        "personality_disorder": 5,
        "eating_disorder": 1,
        "other_mental_health_difficulty": 2,
        "physical_or_multiple_disability": 2,
        "social_problem": 1,
    },
    "behaviour_decisive": {"yes": 86, "no": 14},
    "substance_misuse": {"drugs": 9, "both": 4, "alcohol": 3, "none": 84},
    "somatic_care_need": {"complete": 4, "high": 10, "moderate": 19, "slight": 32, "none": 35},
    "support_level": {"complete": 45, "high": 42, "moderate": 11, "slight": 2, "none": 0},
    "sentence": {"placement": 8, "treatment": 6, "supervision": 4, "other": 1, "none": 81},
    "use_of_force": {"over_20": 12, "6_to_20": 15, "1_to_5": 22, "none": 51},
    "placement_type": {
        "sel_108": 52,
        "sel_107": 29,
        "abl_105_sel_85": 13,
        "independent_care_home": 3,
        "other": 3,
    },
    "provider": {"region": 20, "private": 39, "own_municipality": 17, "other_municipality": 24},
    "places_in_facility": {"alone": 9, "2_to_4": 8, "5_to_8": 17, "over_8": 66},
    "facility_location": {"own_municipality": 24, "other_region": 29, "same_region": 47},
    "staffing": {"above_2_1": 6, "2_1": 22, "1_1": 44, "below_1_1": 28},
    "night_cover": {"awake_1_1": 14, "awake": 66, "on_call": 16, "none": 4},
    "day_programme": {"sel_104": 34, "integrated": 31, "sel_103": 6, "other": 5, "none": 24},
    "special_psychiatric_place": {"yes": 1.3, "no": 98.7},
    "choice_at_referral": {"only_existing": 54, "created": 22, "several_existing": 24},
    "viso_involved": {"yes": 34, "no": 66},
    "placed_as_child": {"yes": 46, "no": 39, "unknown": 15},
    "price_negotiated": {"reduced": 18, "not_reduced": 29, "no": 53},
    "goal_progress": {"progress": 31, "unchanged": 44, "decline": 13, "not_assessed": 12},
    "less_intrusive_prospect": {"yes": 12, "unknown": 24, "no": 64},
}

# First and last year of age, and percent of the cases.
AGES: dict[str, tuple[int, int, float]] = {
    "18_19": (18, 19, 6),
    "20_22": (20, 22, 11),
    "23_24": (23, 24, 10),
    "25_34": (25, 34, 34),
    "35_44": (35, 44, 15),
    "45_54": (45, 54, 12),
    "55_66": (55, 66, 9),
    "67_plus": (67, 84, 3),
}

# Lower and upper edge of the total cost in thresholds (2 million kr.), and percent of the cases. 75 of 845 are 8.9 %.
COSTS: dict[str, tuple[float, float, float]] = {
    "highest": (2.5, 4.0, 2.9),
    "high": (2.0, 2.5, 6.0),
    "middle": (1.5, 2.0, 25.0),
    "low": (1.0, 1.5, 66.1),
}

# Yearly cost of a day programme, kroner. Integrated in the botilbud or none: 0.
DAY_PROGRAMME_DKK = {"sel_103": (90_000, 180_000), "sel_104": (180_000, 420_000), "other": (60_000, 250_000)}

NEVER = -60.0
YOUNG = ("18_19", "20_22", "23_24")
COGNITIVE = ("intellectual_disability", "autism_with_intellectual_disability", "autism_without_intellectual_disability")
MENTAL = ("altered_perception_of_reality", "personality_disorder", "other_mental_health_difficulty")

# (question, option, the other question, its options, weight): with that other answer the option is exp(weight) times
# as likely. The other question is always answered earlier.
LEANINGS: tuple[tuple[str, str, str, tuple[str, ...], float], ...] = (
    ("time_above_threshold", "since_age_18", "age_band", ("18_19",), 4.0),
    ("time_above_threshold", "since_age_18", "age_band", ("20_22", "23_24"), 2.0),
    ("time_above_threshold", "since_age_18", "age_band", ("25_34",), 0.8),
    ("time_above_threshold", "since_age_18", "age_band", ("45_54", "55_66", "67_plus"), -1.0),
    # Nobody has been above the threshold for longer than an adult, and "since 18" is an answer of its own.
    ("time_above_threshold", "over_5_years", "age_band", YOUNG, NEVER),
    ("time_above_threshold", "3_to_5_years", "age_band", ("18_19", "20_22"), NEVER),
    ("time_above_threshold", "1_to_2_years", "age_band", ("18_19",), NEVER),
    ("target_group", "acquired_brain_injury", "age_band", ("45_54", "55_66", "67_plus"), 1.5),
    ("target_group", "acquired_brain_injury", "age_band", YOUNG, -1.5),
    ("target_group", "autism_without_intellectual_disability", "age_band", (*YOUNG, "25_34"), 0.8),
    ("target_group", "altered_perception_of_reality", "age_band", ("35_44", "45_54"), 0.8),
    ("behaviour_decisive", "yes", "target_group", COGNITIVE, 0.7),
    ("behaviour_decisive", "yes", "target_group", ("physical_or_multiple_disability",), -2.0),
    ("substance_misuse", "drugs", "target_group", (*MENTAL, "social_problem"), 1.6),
    ("substance_misuse", "both", "target_group", (*MENTAL, "social_problem"), 1.6),
    ("somatic_care_need", "complete", "target_group", ("physical_or_multiple_disability",), 3.0),
    ("somatic_care_need", "high", "target_group", ("acquired_brain_injury", "congenital_brain_injury"), 1.5),
    ("sentence", "placement", "behaviour_decisive", ("no",), -2.0),
    ("sentence", "placement", "gender", ("male",), 1.2),
    ("sentence", "treatment", "target_group", MENTAL, 2.0),
    ("sentence", "supervision", "gender", ("male",), 1.0),
    ("use_of_force", "over_20", "behaviour_decisive", ("no",), -3.0),
    ("use_of_force", "6_to_20", "behaviour_decisive", ("no",), -2.0),
    ("places_in_facility", "alone", "provider", ("private",), 0.8),
    ("places_in_facility", "alone", "use_of_force", ("over_20",), 0.8),
    ("places_in_facility", "2_to_4", "provider", ("private",), 1.0),
    ("facility_location", "own_municipality", "provider", ("own_municipality",), 4.0),
    ("facility_location", "own_municipality", "provider", ("other_municipality",), NEVER),
    ("facility_location", "other_region", "provider", ("own_municipality",), NEVER),
    ("facility_location", "other_region", "provider", ("private",), 0.8),
    ("staffing", "above_2_1", "places_in_facility", ("alone",), 2.0),
    ("staffing", "2_1", "places_in_facility", ("alone",), 1.5),
    ("staffing", "2_1", "use_of_force", ("6_to_20", "over_20"), 0.8),
    ("night_cover", "awake_1_1", "staffing", ("2_1", "above_2_1"), 1.0),
    ("night_cover", "none", "staffing", ("2_1", "above_2_1"), -2.0),
    ("day_programme", "integrated", "places_in_facility", ("alone",), 1.0),
    ("special_psychiatric_place", "yes", "target_group", MENTAL, 2.5),
    ("special_psychiatric_place", "yes", "sentence", ("treatment",), 1.0),
    ("choice_at_referral", "created", "places_in_facility", ("alone", "2_to_4"), 1.5),
    ("viso_involved", "yes", "use_of_force", ("over_20",), 0.7),
    ("placed_as_child", "yes", "time_above_threshold", ("since_age_18",), 0.8),
    ("less_intrusive_prospect", "yes", "goal_progress", ("progress",), 1.5),
    ("cost_band", "highest", "staffing", ("2_1", "above_2_1"), 1.8),
    ("cost_band", "high", "staffing", ("2_1", "above_2_1"), 1.4),
    ("cost_band", "highest", "places_in_facility", ("alone",), 1.2),
    ("cost_band", "middle", "night_cover", ("awake_1_1",), 0.8),
)

# How different municipalities are: the largest weight by which one leans to or from an option.
LOCAL_LEANING = 0.8
# How different the rounds are: the largest change of an option's share, of itself.
ROUND_CHANGE = 0.08


def eligible_answers(round_: Round, catalogue: Catalogue) -> list[Answers]:
    """One mapping of key to answer per eligible case, sorted by municipality; closed questions hold option codes.

    Every single question is dealt out to exact numbers, so that the shares of the published round are met by
    construction. Amounts are whole kroner. The key `case_id` is left open (None): it is a matter of the delivery.
    """
    cases: list[Answers] = [
        {"municipality_code": code} for code, count in eligible_cases(round_).items() for _ in range(count)
    ]
    _deal(cases, round_, "age_band", {band: percent for band, (_, _, percent) in AGES.items()})
    for question in catalogue.questions:
        if question.kind == "single":
            _deal(cases, round_, question.key, _shares(question))
    _deal(cases, round_, "cost_band", {band: percent for band, (_, _, percent) in COSTS.items()})
    for place, case in enumerate(cases):
        draws = Draws(round_.name, "case", str(place))
        for question in catalogue.questions:
            if question.kind not in ("single", "code"):
                case[question.key] = _open_answer(question, case, draws)
        _set_costs(case, round_.threshold_dkk, draws)
    return [{key: case[key] for key in catalogue.keys} for case in cases]


def total_cost(answers: Answers) -> int:
    """The two costs of a case together, kroner a year."""
    parts = [answers["residential_cost_dkk"], answers["day_programme_cost_dkk"]]
    return sum(part for part in parts if isinstance(part, int))


def _shares(question: Question) -> dict[str, float]:
    """The option's shares in the order in which they are dealt out."""
    known = SHARES.get(question.key, {})
    in_order = [code for code in known if code in question.codes]
    in_order += [code for code in question.codes if code not in known]
    return {code: known.get(code, 1.0) for code in in_order}


def _deal(cases: list[Answers], round_: Round, key: str, shares: dict[str, float]) -> None:
    """Gives every case one of the options, each option to exactly its share of the cases."""
    draws = Draws(round_.name, key)
    if round_.name != PUBLISHED_ROUND:
        shares = {code: share * draws.between(1 - ROUND_CHANGE, 1 + ROUND_CHANGE) for code, share in shares.items()}
    municipalities = sorted({str(case["municipality_code"]) for case in cases})
    left = list(range(len(cases)))
    for code, count in quotas(shares, len(cases)).items():
        local = {name: draws.between(-LOCAL_LEANING, LOCAL_LEANING) for name in municipalities}
        rules = [(other, codes, weight) for k, c, other, codes, weight in LEANINGS if (k, c) == (key, code)]

        def leaning(
            place: int,
            local: dict[str, float] = local,
            rules: list[tuple[str, tuple[str, ...], float]] = rules,
        ) -> float:
            case = cases[place]
            tendency = sum(weight for other, codes, weight in rules if case.get(other) in codes)
            return local[str(case["municipality_code"])] + tendency

        taken = set(draws.likeliest(left, count, leaning))
        for place in taken:
            cases[place][key] = code
        left = [place for place in left if place not in taken]


def _open_answer(question: Question, case: Answers, draws: Draws) -> Answer:
    """An answer that is not dealt out; amounts that `_set_costs` knows are overwritten by it."""
    answer: Answer
    match question.key:
        case "case_id":
            answer = None
        case "age":
            first, last, _ = AGES[str(case["age_band"])]
            answer = draws.whole(first, last)
        case "months_since_follow_up":
            answer = int(26 * draws.between(0, 1) ** 2)
        case "secondary_target_groups":
            others = [code for code in question.codes if code != case.get("target_group")]
            answer = tuple(sorted(draws.some(others, max(0, draws.whole(-2, 2))), key=question.codes.index))
        case "behaviour_types":
            answer = _behaviour(question, case, draws)
        case "comment":
            answer = COMMENT if draws.happens(0.4) else None
        case _:
            answer = _any_answer(question, draws)
    return answer


def _any_answer(question: Question, draws: Draws) -> Answer:
    """An allowed answer to a question of which only the catalogue knows."""
    if question.minimum is not None and question.maximum is not None:
        return draws.whole(question.minimum, question.maximum)
    if question.kind == "multiple":
        return (draws.one(question.codes),)
    return COMMENT


def _behaviour(question: Question, case: Answers, draws: Draws) -> tuple[str, ...]:
    """None as a rule where behaviour is not decisive, else one or more; crime goes with a sentence."""
    chances = {"outward": 0.7, "inward": 0.2, "self_harm": 0.35, "sexually_offending": 0.1}
    crime = 0.04 if case.get("sentence") == "none" else 0.45
    shown = [code for code in question.codes if draws.happens(chances.get(code, crime))]
    if case.get("behaviour_decisive") != "yes":
        return ()
    return tuple(shown) or question.codes[:1]


def _set_costs(case: Answers, threshold: int, draws: Draws) -> None:
    """Draws the total within the case's cost band and splits off the day programme.

    Every fourth case is in round 10,000s, so that some cost exactly the threshold, which counts.
    """
    lower, upper, _ = COSTS[str(case["cost_band"])]
    step = 10_000 if draws.happens(0.25) else 100
    drawn = threshold * (lower + (upper - lower) * draws.between(0, 1) ** 1.5)
    total = max(int(drawn) // step * step, int(threshold * lower))
    cheapest, dearest = DAY_PROGRAMME_DKK.get(str(case.get("day_programme")), (0, 0))
    day_programme = draws.whole(cheapest, dearest) // step * step
    case["residential_cost_dkk"] = total - day_programme
    case["day_programme_cost_dkk"] = day_programme
