"""The page on methods shows what the functions give."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"


def test_the_examples_of_the_page_on_methods_give_what_it_says():
    results = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert results.attempted > 0
    assert results.failed == 0
