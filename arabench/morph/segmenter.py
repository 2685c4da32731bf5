"""The built-in segmenter: any word of Arabic letters into clitics, stem and suffixes.

A small trained model chooses among the analyses that `grammar` allows; SEGMENTER.md says on
what it was trained and how often it is right. It reads the spelling alone, so that answers
are kept by spelling.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arabench.morph.analysis import Analysis, Segment
from arabench.morph.model_file import VERSION, Model, read_model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: The weights that come with the package.
MODEL_PATH: Final = Path(__file__).parent / "segmenter.bin"
#: Spellings whose answers are kept: some 60 MB when full.
CACHED_WORDS: Final = 1 << 17


@functools.cache
def _packaged() -> Model:
    return read_model(MODEL_PATH)


class BuiltinSegmenter:
    """The default backend; implements `analysis.Segmenter`.

    Threads may share one.

    Args:
        model: weights to use; those of the package where None, read at the first word.
        cached_words: spellings whose answers are kept; the oldest make room.
    """

    def __init__(self, model: Model | None = None, cached_words: int = CACHED_WORDS) -> None:
        self._given = model
        self._most = max(2, cached_words)
        self._answers: dict[str, Analysis] = {}
        self._signature = ""
        self._changing = threading.Lock()

    @property
    def _model(self) -> Model:
        return self._given if self._given is not None else _packaged()

    @property
    def signature(self) -> str:
        """Name, version of the format and checksum of the weights."""
        if not self._signature:
            self._signature = f"builtin v{VERSION} {self._model.checksum[:12]}"
        return self._signature

    @property
    def in_context(self) -> bool:
        """False: the answer depends on the spelling alone."""
        return False

    def segment(self, words: Sequence[str]) -> list[Analysis]:
        """One analysis per word, in order; any string is answered.

        Args:
            words: runs of Arabic letters and marks. What is none comes back as one stem, as
                does a word of more than 60 letters; the empty string has no segments.
        """
        found = [*map(self._answers.get, words)]
        if None in found:
            fresh = self._decide(
                sorted({word for word, kept in zip(words, found, strict=True) if kept is None})
            )
            self._keep(fresh)
            found = [
                fresh[word] if kept is None else kept
                for word, kept in zip(words, found, strict=True)
            ]
        return found  # type: ignore[return-value] # every None was answered

    def cut_plain(
        self, words: Sequence[str]
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int32]]:
        """The model's choice for the words of plain letters among some; nothing is kept.

        Args:
            words: none empty.

        Returns:
            (words,) which of them are of plain letters, one per character; and for each of
            these one row of (n, 4) int32 with the fields of an `answers.Cut`.
        """
        from arabench.morph.decision import best_cuts
        from arabench.morph.letters import encode_plain

        plain = encode_plain(words)
        return plain.is_plain, best_cuts(plain.codes, plain.offsets, self._model)

    def _keep(self, fresh: dict[str, Analysis]) -> None:
        with self._changing:
            answers = self._answers
            surplus = len(answers) + len(fresh) - self._most
            if surplus > 0:
                # Half of the room at once, so that a stream of new words is not slowed down.
                for word in list(itertools.islice(answers, max(surplus, self._most // 2))):
                    del answers[word]
            answers.update(itertools.islice(fresh.items(), self._most))

    def _decide(self, words: Sequence[str]) -> dict[str, Analysis]:
        from arabench.morph.decision import analyse, analyse_plain, best_cuts
        from arabench.morph.letters import encode, encode_marked, encode_plain, in_a_row

        answers: dict[str, Analysis] = {}
        given = [word for word in words if word]
        if len(given) < len(words):
            answers[""] = ()
        if not given:
            return answers
        plain = encode_plain(given)
        cuts = best_cuts(plain.codes, plain.offsets, self._model).tolist()
        for word, cut in zip(itertools.compress(given, plain.is_plain), cuts, strict=True):
            answers[word] = analyse_plain(word, *cut)
        given = [*itertools.compress(given, ~plain.is_plain)]
        if not given:
            return answers
        marked = encode_marked(given)
        cuts = best_cuts(marked.codes, marked.offsets, self._model).tolist()
        starts = marked.starts.tolist()
        spans = itertools.pairwise(marked.offsets.tolist())
        for word, cut, (start, end) in zip(
            itertools.compress(given, marked.is_marked), cuts, spans, strict=True
        ):
            answers[word] = analyse(word, starts[start:end], *cut)
        others = []
        for word in itertools.compress(given, ~marked.is_marked):
            letters = encode(word)
            if letters is None:
                answers[word] = (Segment(word, word, "stem"),)
            else:
                others.append((word, letters))
        codes, offsets = in_a_row([letters.codes for _, letters in others])
        cuts = best_cuts(codes, offsets, self._model).tolist()
        for (word, letters), cut in zip(others, cuts, strict=True):
            answers[word] = analyse(word, letters.starts, *cut)
        return answers
