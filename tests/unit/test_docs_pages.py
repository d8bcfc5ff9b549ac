"""The pages on methods and disclosure show what the functions give."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["methods.md", "disclosure.md"])
def test_the_examples_of_a_page_give_what_it_says(page):
    results = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert results.attempted > 0
    assert results.failed == 0
