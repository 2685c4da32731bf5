"""The two short ways through the built-in segmenter give what the long ones give."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench import chars
from arabench.morph.compiled.decision_kernel import best_candidates
from arabench.morph.compiled.segmenter_kernel import (
    MAX_CANDIDATES,
    MAX_FEATURES,
    candidates,
    describe,
)
from arabench.morph.compiled.segmenter_kernel import features as features_of
from arabench.morph.compiled_grammar import compiled
from arabench.morph.letters import CODE, encode_plain
from arabench.morph.marks import MARKS, MarkName
from arabench.morph.model_file import Model, read_model
from arabench.morph.schemes import SCHEMES, WORD_CLASS, tokens_of
from arabench.morph.segmenter import MODEL_PATH, BuiltinSegmenter
from arabench.morph.segmenter_templates import FACTS
from arabench.morph.tokenizer import Tokenizer

SEGMENTER = BuiltinSegmenter()
MODEL = read_model(MODEL_PATH)
_LETTERS = "".join(CODE)
#: Letters of affixes and of the rules of joining more often than others.
_WORD = st.text(st.sampled_from("والبتكهيمنشىةئاءؤأ" * 3 + _LETTERS), min_size=1, max_size=12)


def words_of_package() -> list[str]:
    """The words of the sentences that come with the package."""
    folder = files("arabench.dialect").joinpath("written")
    text = " ".join(
        folder.joinpath(f"{name}.tsv").read_text("utf-8") for name in ("msa", "egy", "mgr")
    )
    return sorted(set(re.findall(f"[{WORD_CLASS}]+", text)))


def best_one_by_one(words: list[str], model: Model) -> list[list[int]]:
    """The best candidate of each word by the features of every candidate."""
    out = np.empty((MAX_CANDIDATES, 4), dtype=np.int32)
    sums = np.empty(64, dtype=np.uint64)
    facts = np.empty(FACTS, dtype=np.uint64)
    feats = np.empty(MAX_FEATURES, dtype=np.int32)
    grammar = compiled()
    found = []
    for word in words:
        codes = np.array([CODE[letter] for letter in word], dtype=np.uint8)
        best = (-(10**9), [0, 0, 0, 0])
        for row in out[: candidates(codes, sums, grammar, out)].tolist():
            describe(codes, sums, grammar, model.lexicon, *row, facts)
            count = features_of(facts, True, feats)
            score = int(model.weights[feats[:count]].astype(np.int64).sum())
            if score > best[0]:
                best = score, row
        found.append(best[1])
    return found


def best_of_kernel(words: list[str], model: Model) -> list[list[int]]:
    plain = encode_plain(words)
    assert plain.is_plain.all()
    best = np.zeros((len(words), 4), dtype=np.int32)
    best_candidates(plain.codes, plain.offsets, compiled(), model.lexicon, model.weights, best)
    rows: list[list[int]] = best.tolist()
    return rows


@pytest.mark.parametrize("seed", [0, 1])
def test_shared_sums_choose_what_sums_of_every_candidate_choose(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = [word for word in words_of_package() if set(word) <= set(CODE)]
    words = [words[n] for n in rng.choice(len(words), 400, replace=False)]
    noise = rng.integers(-128, 128, MODEL.weights.size).astype(np.int8)
    for model in (MODEL, Model(noise, MODEL.lexicon, {})):
        assert best_of_kernel(words, model) == best_one_by_one(words, model)


@pytest.fixture(scope="module", params=[(s, m) for s in SCHEMES for m in MARKS if s != "words"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    scheme, mark = request.param
    return Tokenizer(scheme, mark, SEGMENTER)


def written_from_segments(tokenizer: Tokenizer, words: list[str]) -> list[str]:
    """What the segments of the words become, without plans."""
    scheme, surface = SCHEMES[tokenizer.scheme], tokenizer.mark == "plus"  # type: ignore[index]
    return [
        tokenizer._notation.write(tokens_of(word, analysis, scheme, surface=surface))
        for word, analysis in zip(words, SEGMENTER.segment(words), strict=True)
    ]


def test_words_cut_by_plan_are_those_written_from_segments(tokenizer: Tokenizer) -> None:
    words = words_of_package()
    assert tokenizer.tokenize_many(words) == written_from_segments(tokenizer, words)


@settings(max_examples=100)
@given(st.lists(_WORD, min_size=1, max_size=30))
def test_any_letters_are_written_as_from_segments(tokenizer: Tokenizer, words: list[str]) -> None:
    written = tokenizer.tokenize_many(words)
    assert written == written_from_segments(tokenizer, words)
    assert [tokenizer.detokenize(text) for text in written] == words


@pytest.mark.parametrize("mark", MARKS)
def test_words_of_an_encyclopaedia_are_written_as_from_segments(
    mark: MarkName, shared_data: Path
) -> None:
    with (shared_data / "wiki" / "ar.tsv").open(encoding="utf-8") as file:
        text = file.read(3_000_000)
    words = sorted(set(re.findall(f"[{WORD_CLASS}]+", text)))
    assert len(words) > 20_000
    assert any(set(word) & chars.MARKS for word in words)
    tokenizer = Tokenizer("d3", mark, SEGMENTER)
    assert tokenizer.tokenize_many(words) == written_from_segments(tokenizer, words)
