"""Thresholds of the document filters and their presets; light to import.

Defaults are near what Gopher (Rae et al. 2021, arXiv 2112.11446, table A1) and FineWeb2
(arXiv 2506.20920; tuned for `arb_Arab`, `arz_Arab` and `ary_Arab`) use.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final, get_type_hints

from arabench.errors import UsageError, did_you_mean
from arabench.varieties import VARIETIES

#: Rises whenever some text is judged differently under the same options.
FILTERS_VERSION: Final = 2
#: Labels of a text: the varieties, and that none is sure.
LABELS: Final = (*VARIETIES, "unknown")


@dataclasses.dataclass(frozen=True)
class FilterOptions:
    """Thresholds; a document that passes all of them is kept.

    Shares are between 0 and 1. A lower bound of 0 and an upper bound of 1 (or, for
    counts and lengths, 0) switch a check off. Checks that need enough words to mean
    something are made from `statistics_from_words` words on.
    """

    min_words: int = 3
    """Fewest words (links and mentions are none). Below three there is no sentence to learn
    from; Gopher takes 50 for pages."""
    max_words: int = 100_000
    """Most words; 0 for no limit. Gopher's bound: beyond it stand concatenated archives."""
    min_arabic: float = 0.5
    """Least share of Arabic letters among the letters of all scripts (digits, marks and emoji
    are no letters). Half: code-switched text stays, a page that quotes some Arabic goes."""
    max_symbols: float = 0.1
    """Most symbols per visible character: emoji, `#`, `|`, arrows, broken characters. Gopher
    allows one hash or ellipsis per ten words; a tenth of all characters is laxer, so that
    posts with emoji stay."""
    min_letter_words: float = 0.7
    """Least share of words that hold a letter; others are numbers. FineWeb2 takes 0.74 to 0.83
    for Arabic, which loses tables of results; prose is above 0.9."""
    min_mean_word_chars: float = 2.0
    """Least mean word length in letters, without diacritics (FineWeb2: 2 for `arb_Arab`).
    Below it the letters of words stand apart."""
    max_mean_word_chars: float = 9.0
    """Most (FineWeb2: 9 for `arb_Arab`); 0 for no limit. Above it words are joined."""
    statistics_from_words: int = 30
    """Words from which on repetition, stop words and mean length are judged: shares of fewer
    words are chance."""
    max_repeated_lines: float = 0.3
    """Most letters in lines that stood in the document before (Gopher: 0.3 of the lines)."""
    max_repeated_phrases: float = 0.2
    """Most letters in runs of five words that stood in the document before (Gopher 0.15;
    FineWeb2 0.165 `arb_Arab`, 0.286 `arz_Arab`: formulas of encyclopedias are no spam)."""
    max_top_phrase: float = 0.2
    """Most letters in the commonest pair of words (Gopher 0.2; FineWeb2 0.197)."""
    min_stop_words: float = 0.05
    """Least share of function words, of any variety. Prose has 0.15 to 0.5, lists of names,
    goods or keywords next to none."""
    max_boilerplate: float = 0.3
    """Most letters in boilerplate lines: those that `normalize --boilerplate strip` deletes."""
    keep_varieties: str = ""
    """Labels of dialect identification to keep, with commas between, such as `egy,lev`; none
    for all. `unknown` is one of them. This and what follows runs the shipped model."""
    drop_varieties: str = ""
    """Labels to drop."""
    min_variety_prob: float = 0.0
    """Least probability of the most probable variety."""
    min_dialectness: float = 0.0
    """Least dialectness: 0 is MSA, 1 dialect."""
    max_dialectness: float = 1.0
    """Most."""

    def __post_init__(self) -> None:
        for name, kind in option_types().items():
            value = getattr(self, name)
            if kind is str:
                object.__setattr__(self, name, _labels(name, value))
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"{name}={value!r} is not a number.")
            if kind is int and value != int(value):
                raise UsageError(f"{name}={value!r} is not a whole number of words.")
            if self.is_share(name) and not 0 <= value <= 1:
                raise UsageError(f"{name}={value!r} is not a share. Use a number from 0 to 1.")
            if not 0 <= value < float("inf"):
                raise UsageError(f"{name}={value!r} is not allowed. Use 0 or more.")
        for name in ("words", "mean_word_chars"):
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if most and least > most:
                raise UsageError(
                    f"min_{name}={least:g} is above max_{name}={most:g}: nothing would be kept. "
                    f"Lower the first, raise the second, or set max_{name} to 0 (no limit)."
                )
        if self.keep_varieties and self.drop_varieties:
            raise UsageError("keep_varieties and drop_varieties exclude each other. Use one.")
        if self.min_dialectness > self.max_dialectness:
            raise UsageError(
                f"min_dialectness={self.min_dialectness:g} is above "
                f"max_dialectness={self.max_dialectness:g}: nothing would be kept."
            )

    @property
    def wants_dialect(self) -> bool:
        """Whether a check needs the variety of texts."""
        return bool(
            self.keep_varieties
            or self.drop_varieties
            or self.min_variety_prob
            or self.min_dialectness
            or self.max_dialectness < 1
        )

    def is_share(self, name: str) -> bool:
        """Whether an option is a share, of which 0 and 1 are the ends."""
        return option_types()[name] is float and not name.endswith("_chars")

    @property
    def signature(self) -> str:
        """Short stable text naming every option that is not the default, and the version."""
        chosen = [
            f"{field.name}:{_shown(getattr(self, field.name))}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return "|".join([f"filter:{FILTERS_VERSION}", *chosen])


def _labels(name: str, value: Any) -> str:
    """A list of labels without spaces, in the order of `LABELS`."""
    if not isinstance(value, str):
        raise UsageError(f"{name}={value!r} is not a text such as 'egy,lev'.")
    given = [label for part in value.split(",") if (label := part.strip().lower())]
    for label in given:
        if label not in LABELS:
            raise UsageError(
                f"{name}: variety {label!r} is not known. {did_you_mean(label, LABELS)}"
            )
    return ",".join(label for label in LABELS if label in given)


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


@functools.cache
def option_types() -> dict[str, type]:
    """Name of every option -> int (words), float (shares, letters per word) or str (labels)."""
    hints = get_type_hints(FilterOptions)
    return {field.name: hints[field.name] for field in dataclasses.fields(FilterOptions)}


@functools.cache
def presets() -> dict[str, dict[str, Any]]:
    """All presets as in filter_presets.toml: thresholds and a `description`."""
    text = (
        files("arabench.corpus.steps.filters")
        .joinpath("filter_presets.toml")
        .read_text(encoding="utf-8")
    )
    return tomllib.loads(text)


def options_from(
    preset: str = "web", overrides: Mapping[str, float | str] | None = None
) -> FilterOptions:
    """Options of a preset with some thresholds replaced.

    Raises:
        UsageError: unknown preset or option, or an impossible value.
    """
    if preset not in presets():
        raise UsageError(f"preset {preset!r} is not known. {did_you_mean(preset, presets())}")
    values = {key: value for key, value in presets()[preset].items() if key != "description"}
    for key, value in (overrides or {}).items():
        if key not in option_types():
            raise UsageError(f"option {key!r} is not known. {did_you_mean(key, option_types())}")
        values[key] = value
    return FilterOptions(**values)
