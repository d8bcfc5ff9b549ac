"""The figures that README shows are those that the code draws from the demonstration data."""

import re
from pathlib import Path

import pytest

from tools.figures import FIGURES, figures

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_figures_are_those_that_make_figures_draws():
    # When this breaks: what is drawn has changed; run `make figures`, and look at them.
    assert {path.name: path.read_bytes() for path in FIGURES.iterdir()} == figures()


def test_readme_shows_each_figure_with_its_title_in_words():
    shown = dict(re.findall(r"!\[(.*?)\]\(docs/figures/(.*?)\)", README))
    assert sorted(shown.values()) == sorted(path.name for path in FIGURES.iterdir())
    for title, name in shown.items():
        assert f">{title}</title>" in (FIGURES / name).read_text(encoding="utf-8")
