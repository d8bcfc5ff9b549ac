"""Which areas' breakdowns are shared."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.disclosure.areas import shared_areas


def rates(participants):
    codes = [region for region, municipalities in participants.items() for _ in range(municipalities)]
    return pl.DataFrame({"region_code": codes}, schema={"region_code": pl.String})


def shown(participants, threshold=5):
    areas = shared_areas(rates(participants), threshold)
    return {code: is_shown for _, code, is_shown in areas.iter_rows()}


def test_regions_with_enough_participants_are_shown():
    assert shown({"081": 5, "084": 9}) == {"000": True, "081": True, "084": True}


def test_one_hidden_region_takes_the_next_smallest_with_it():
    # The country less the shown regions would be the hidden one.
    assert shown({"081": 3, "082": 5, "083": 14, "084": 24}) == {
        "000": True,
        "081": False,
        "082": False,
        "083": True,
        "084": True,
    }


def test_hidden_regions_together_have_at_least_the_threshold_of_participants():
    assert shown({"081": 1, "082": 2, "083": 6, "084": 9}) == {
        "000": True,
        "081": False,
        "082": False,
        "083": False,
        "084": True,
    }


def test_a_country_with_too_few_participants_hides_everything():
    assert set(shown({"081": 2, "084": 2}).values()) == {False}


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(["081", "082", "083", "084", "085"]), st.integers(1, 20), min_size=1))
def test_no_region_or_difference_of_regions_with_few_participants_is_shown(participants):
    result = shown(participants)
    hidden = [n for code, n in participants.items() if not result[code]]
    assert all(participants[code] >= 5 for code in participants if result[code])
    if result["000"] and hidden and len(hidden) < len(participants):
        assert len(hidden) >= 2
        assert sum(hidden) >= 5
