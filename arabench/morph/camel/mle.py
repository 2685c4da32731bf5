"""The choice of camel-tools' `MLEDisambiguator`, without merging what it does not look at.

The disambiguator scores an analysis by its likeness to the one that the training data had
most often for the spelling (`camel_tools.disambig.mle._score_analysis`), or by probability
where they had none. Scores here are the same, to the last place but one.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from arabench.camel_data import import_camel
from arabench.errors import DataError
from arabench.morph.camel.database import Candidate, CompiledDatabase, logprob
from arabench.morph.camel.database_tables import Entry

#: Features that count one when equal, as in camel-tools.
EQUAL: Final = (
    "asp", "cas", "enc0", "gen", "mod", "num", "per", "pos", "prc0", "prc1", "prc2", "prc3",
    "form_num", "form_gen", "enc1", "enc2", "stt", "vox",
)  # fmt: skip
#: Features that count by edit distance, in camel-tools' own order no particular one.
ALIKE: Final = ("diac", "lex", "bw")
#: Sums of three fractions are taken in an order that changes from run to run in camel-tools;
#: scores nearer than this are equal.
_DIGITS: Final = 12


class LikelihoodRanking:
    """Ranks the analyses of a word as `MLEDisambiguator` does.

    Args:
        compiled: the database.
        model: spelling without marks -> features of its most frequent analysis.

    Raises:
        DataError: the model has another shape.
    """

    def __init__(self, compiled: CompiledDatabase, model: dict[str, Any]) -> None:
        if not all(isinstance(features, dict) and "lex" in features for features in model.values()):
            raise DataError(
                "the model of camel-tools' MLE disambiguator has an entry without features. "
                "Install it again with camel_data -f -i ..."
            )
        utilities = import_camel("camel_tools.morphology.utils")
        self._compiled = compiled
        self._model = model
        self._distance = import_module("editdistance").eval
        self._strip_lexeme = utilities.strip_lex
        defines = compiled.database.defines
        self._copied = [
            (name, form)
            for name, form in (("gen", "form_gen"), ("num", "form_num"))
            if form in defines
        ]
        self._overrides: dict[int, list[tuple[str, str]]] = {}

    def best(self, word: str) -> Candidate | None:
        """The analysis camel-tools would take; None where it has none."""
        return self.best_of(self._compiled.candidates(word), word)

    def best_of(self, found: list[Candidate], word: str) -> Candidate | None:
        """Of the analyses of a word the one camel-tools would take; None of none."""
        compiled = self._compiled
        if len(found) < 2:
            return found[0] if found else None
        reference = self._model.get(compiled.unmarked(word))
        if reference is None:
            likely = [
                (-logprob(item, "pos_lex_logprob"), -logprob(item, "lex_logprob")) for item in found
            ]
            least = min(likely)
            tied = [item for item, key in zip(found, likely, strict=True) if key == least]
            return tied[0] if len(tied) == 1 else min(tied, key=compiled.diacritized)
        wanted = [(name, reference.get(name, "")) for name in EQUAL]
        texts = {name: str(reference.get(name, "")) for name in ALIKE}
        texts["lex"] = self._strip_lexeme(texts["lex"])
        keys = [self._key(item, wanted, texts) for item in found]
        return found[min(range(len(found)), key=keys.__getitem__)]

    def _key(
        self, item: Candidate, wanted: list[tuple[str, str]], texts: dict[str, str]
    ) -> tuple[float, int, str]:
        compiled = self._compiled
        features = dict(item.stem.features)
        for entry in (item.suffix, item.prefix):
            for name, value in self._override(entry):
                if name in features:
                    features[name] = value
        for name, form in self._copied:
            if features.get(name) == "-":
                features[name] = features[form]
        score = float(sum(features.get(name, "") == value for name, value in wanted))
        merged = {
            "diac": compiled.diacritized(item),
            "lex": compiled.lexeme(item),
            "bw": compiled.tagged(item),
        }
        for name in ALIKE:
            expected = texts[name]
            if expected:
                distance = self._distance(expected, merged[name])
                score += max(0.0, (len(expected) - distance) / len(expected))
        return -round(score, _DIGITS), len(merged["bw"]), merged["diac"]

    def _override(self, entry: Entry) -> list[tuple[str, str]]:
        """Features by which a prefix or suffix replaces those of the stem."""
        found = self._overrides.get(id(entry))
        if found is None:
            found = self._overrides[id(entry)] = [
                (name, entry.features[name])
                for name in EQUAL
                if entry.features.get(name, "-") not in ("", "-")
            ]
        return found
