"""The model behind `arabench eval` beside lm-eval's own: ids, likelihoods, answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval")

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM

from arabench.evaluation.harness.encodings import Encodings, tokenizer_key
from arabench.evaluation.harness.measured_lm import language_model
from arabench.evaluation.harness.own_tokens import nothing_behind
from tests.evaluation.families import KINDS, build, texts

#: Tokenizers without BOS and EOS, of which lm-eval cannot tokenize a prompt.
BARE = {"llama-has-none", "bert-cls-sep"}


@pytest.fixture(scope="module", params=[kind for kind in KINDS if kind not in BARE])
def sides(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """(ours, lm-eval's) around the same tiny model."""
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    folder: Path = build(request.param, tmp_path_factory.mktemp(request.param))
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=4, softmax_dtype="float32")
    ours = language_model(model, tokenizer, 4)
    ours.encodings = Encodings()
    return ours, theirs


def _pairs() -> list[tuple[str, str]]:
    """Prompts with choices; blanks at the end of some, one that is twice there."""
    found = []
    for number, text in enumerate(texts()[:6]):
        prompt = text[:12] + ("  " if number % 2 else "")
        found += [(prompt, choice) for choice in (" أ", " ب", text[12:18] or "ج")]
    return [*found, found[0]]


def _asked(kind: str, arguments: list[tuple[Any, ...]]) -> list[Instance]:
    return [Instance(kind, {}, one, number) for number, one in enumerate(arguments)]


def test_ids_are_those_of_lm_eval(sides: tuple[Any, Any]) -> None:
    ours, theirs = sides
    bos = str(theirs.tokenizer.bos_token or "")
    written = [*texts()[:20], bos + texts()[0], " ", "a"]
    for add in (None, True, False):
        expected = [theirs.tok_encode(text, add_special_tokens=add) for text in written]
        assert ours.encode_all(written, add) == expected
        assert [ours.tok_encode(text, add_special_tokens=add) for text in written] == expected
    for pair in _pairs():
        assert ours._encode_pair(*pair) == theirs._encode_pair(*pair)


@pytest.mark.parametrize("kind", sorted(BARE))
def test_prompts_are_tokenized_where_there_is_no_bos(kind: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    folder = build(kind, tmp_path)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    ours = language_model(AutoModelForCausalLM.from_pretrained(folder).eval(), tokenizer, 4)
    with nothing_behind(tokenizer):
        assert ours.tok_encode("مرحبا") == tokenizer.encode("مرحبا")
        scores = ours.loglikelihood(_asked("loglikelihood", _pairs()), disable_tqdm=True)
    assert all(value < 0 for value, _ in scores)


def test_likelihoods_are_those_of_lm_eval(sides: tuple[Any, Any]) -> None:
    ours, theirs = sides
    with nothing_behind(theirs.tokenizer):
        expected = theirs.loglikelihood(_asked("loglikelihood", _pairs()), disable_tqdm=True)
        found = ours.loglikelihood(_asked("loglikelihood", _pairs()), disable_tqdm=True)
    assert [said for _, said in found] == [said for _, said in expected]
    for (value, _), (other, _) in zip(found, expected, strict=True):
        assert value == pytest.approx(other, rel=1e-6, abs=1e-6)


def test_greedy_answers_are_those_of_lm_eval_one_by_one(sides: tuple[Any, Any]) -> None:
    ours, theirs = sides
    asked = [
        (text[:9], {"until": ["\n", "ا "], "max_gen_toks": 8, "do_sample": False})
        for text in texts()[:6]
    ]
    with nothing_behind(theirs.tokenizer):
        found = ours.generate_until(_asked("generate_until", asked), disable_tqdm=True)
        expected = [
            theirs.generate_until(_asked("generate_until", [one]), disable_tqdm=True)[0]
            for one in asked
        ]
    assert found == expected


def test_what_samples_goes_through_lm_evals_own_code(
    sides: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = sides
    passed: list[list[Any]] = []
    monkeypatch.setattr(
        HFLM,
        "generate_until",
        lambda self, requests, *rest: passed.append(requests) or ["theirs"] * len(requests),
    )
    greedy = {"until": ["\n"], "max_gen_toks": 2}
    asked = [("ا", greedy), ("ا", {**greedy, "do_sample": True, "temperature": 0.5}), ("ب", greedy)]
    with nothing_behind(ours.tokenizer):
        answers = ours.generate_until(_asked("generate_until", asked), disable_tqdm=True)
    assert [answer == "theirs" for answer in answers] == [False, True, False]
    assert [len(requests) for requests in passed] == [1]


def test_a_text_is_tokenized_once_for_all_models_of_one_tokenizer(
    sides: tuple[Any, Any],
) -> None:
    ours, _ = sides
    second = language_model(ours.model, ours.tokenizer, 2)
    second.encodings = ours.encodings
    first = ours.encode_all(["مرحبا بالعالم"])

    def refuse(*args: Any) -> list[list[int]]:
        raise AssertionError("tokenized again")

    key = tokenizer_key(ours.tokenizer)
    marks = [ours.add_bos_token]
    assert second.encodings.find(key, ["مرحبا بالعالم"], marks, refuse) == first


def test_what_is_put_around_a_text_belongs_to_the_tokenizers_key(
    sides: tuple[Any, Any],
) -> None:
    ours, _ = sides
    before = tokenizer_key(ours.tokenizer)
    with nothing_behind(ours.tokenizer):
        during = tokenizer_key(ours.tokenizer)
        inside = ours.encode_all(["مرحبا"])
    assert tokenizer_key(ours.tokenizer) == before
    closes = ours.encode_all(["مرحبا"]) != inside
    assert (during != before) == closes


def test_old_ids_go_when_there_are_too_many() -> None:
    kept = Encodings(most=200)
    asked: list[str] = []

    def encode(texts: Any, mark: Any) -> list[list[int]]:
        asked.extend(texts)
        return [[1, 2, 3]] * len(texts)

    for text in ("a", "b", "c", "d", "d"):
        assert kept.find(b"", [text], [None], encode) == [[1, 2, 3]]
    assert asked == ["a", "b", "c", "d"]
    kept.find(b"", ["a", "d", "a"], [None] * 3, encode)
    assert asked == ["a", "b", "c", "d", "a"]
