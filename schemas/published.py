"""Figures that others have published of the same cases: what a round's own figures are held against.

What belongs here: the figures as printed, with their source. What does not: how near a round must be (`pipelines.quality`).
"""

# Shares of 845 cases in 59 municipalities on 1 October 2022, by the code of the headline finding.
# Source: KL and Komponent, screening of cases over 2 million kroner, December 2023.
FINDING_SHARES = {
    "under_35": 0.61,
    "above_threshold_since_age_18": 0.41,
    "intellectual_disability": 0.52,
    "behaviour_decisive": 0.86,
    "sentence": 0.19,
    "only_existing_choice": 0.54,
    "provider_municipal": 0.41,
    "provider_regional": 0.20,
    "provider_private": 0.39,
    "over_8_places": 0.66,
    "alone_in_placement": 0.09,
    "viso_involved": 0.34,
    "special_psychiatric_place": 0.013,
}
