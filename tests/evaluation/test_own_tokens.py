"""Bits of a text are those of its own tokens, whatever its tokenizer puts around them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "lm_eval", "peft", "transformers"):
    pytest.importorskip(package, reason="needs the extra arabench[eval]")

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast  # noqa: E402

from arabench.evaluation.harness.own_tokens import (  # noqa: E402
    Reading,
    Unread,
    added_around,
    nothing_behind,
    own_tokens,
    prefix_of,
    read_texts,
)
from arabench.evaluation.runner import Request, evaluate  # noqa: E402
from arabench.evaluation.runner.results import load_evaluation  # noqa: E402
from tests.evaluation.families import CONTEXT, KINDS, build, texts  # noqa: E402
from tests.evaluation.under_lm_eval import hf, under_lm_eval  # noqa: E402

LIMIT = 5
TASKS = ["arabench_lm_egy", "arabench_tax_mgr"]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(kind, tmp_path_factory.mktemp(kind))


def own_forward_pass(folder: Path, kind: str, text: str) -> float:
    """Bits of a text, computed here: the tokenizer's file, one forward pass a window."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    ids = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    prefix = {
        "BOS": tokenizer.bos_token_id, "EOS": tokenizer.eos_token_id,
        "[CLS]": tokenizer.cls_token_id, "none:": None,
    }[KINDS[kind][4].split()[0]]  # fmt: skip
    stream = ids if prefix is None else [prefix, *ids]
    bits = 0.0
    done = 1  # the first of the stream is read, not scored
    while done < len(stream):
        end = min(done + CONTEXT, len(stream))
        start = max(0, end - 1 - CONTEXT)  # as much before it as the model can see
        inputs = torch.tensor([stream[start : end - 1]])
        with torch.no_grad():
            log_probs = model(input_ids=inputs).logits[0].double().log_softmax(-1)
        for place in range(done, end):
            bits -= float(log_probs[place - 1 - start, stream[place]]) / math.log(2)
        done = end
    return bits


@pytest.mark.parametrize("command", ["lm_eval", "arabench eval"])
def test_bits_equal_an_own_forward_pass(
    folder: Path, kind: str, command: str, tmp_path: Path
) -> None:
    if command == "lm_eval":
        results = under_lm_eval(hf(folder), TASKS, limit=LIMIT)
        samples = results["samples"]
    else:
        request = Request(
            str(folder), {}, TASKS, str(tmp_path), {}, limit=LIMIT, dtype="float32", threads=1
        )
        written = load_evaluation(evaluate(request, lambda message: None)["base"]).path
        results = json.loads(written.read_text(encoding="utf-8"))
        stamp = written.stem.partition("_")[2]
        samples = {
            task: [
                json.loads(line)
                for line in (written.parent / f"samples_{task}_{stamp}.jsonl").open(
                    encoding="utf-8"
                )
            ]
            for task in TASKS
        }
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    lengths = []
    for row in samples["arabench_lm_egy"]:
        lengths.append(len(own_tokens(tokenizer, row["doc"]["text"])))
        bits, characters = row["bits_per_char"]["sums"]
        assert characters == len(row["doc"]["text"])
        assert bits == pytest.approx(own_forward_pass(folder, kind, row["doc"]["text"]), rel=1e-6)
    for row in samples["arabench_tax_mgr"]:
        for bits, text in zip(row["dialect_tax"]["sums"], row["doc"]["texts"], strict=True):
            assert bits == pytest.approx(own_forward_pass(folder, kind, text), rel=1e-6)
    if kind != "bert-cls-sep":  # its words are in the vocabulary: all texts are short
        assert min(lengths) < CONTEXT < max(lengths)
    run = results["configs"]["arabench_lm_egy"]["metadata"]["arabench_run"]
    assert run["settings"]["prefix"] == KINDS[kind][4]
    assert run["settings"]["softmax_dtype"] == "float32"
    assert run["settings"]["answered"] == "by the model"


def test_unknown_letters_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = build("llama-unknown-letters", tmp_path / "model")
    said: list[str] = []
    request = Request(
        str(folder), {}, TASKS[:1], str(tmp_path / "out"), {}, limit=LIMIT, dtype="float32",
        threads=1,
    )  # fmt: skip
    evaluation = load_evaluation(evaluate(request, said.append)["base"])
    texts = [
        json.loads(line)["doc"]["text"]
        for line in next((tmp_path / "out/base").glob("samples_*")).open(encoding="utf-8")
    ]
    known = set(PreTrainedTokenizerFast.from_pretrained(folder).get_vocab())
    unknown = sum(letter not in known for text in texts for letter in text)
    assert unknown > 10
    (note,) = evaluation.tasks[TASKS[0]].notes
    assert f"does not read {unknown} characters" in note
    assert any(note in line for line in said)
    under_lm_eval(hf(folder), TASKS[:1], limit=LIMIT)
    assert any(note in record.getMessage() for record in caplog.records)


def test_what_stands_around_a_text(folder: Path, kind: str) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    front, behind = KINDS[kind][2]
    names = tokenizer.convert_ids_to_tokens
    assert tuple(map(names, added_around(tokenizer))) == (front, behind)
    assert prefix_of(tokenizer).name == KINDS[kind][4]
    text = "كيف حالك"
    shown = tokenizer.decode(own_tokens(tokenizer, text)).replace("▁", " ")
    assert shown.replace(" ", "") == text.replace(" ", "")
    with nothing_behind(tokenizer):
        assert names(tokenizer(text)["input_ids"][: len(front)]) == front
        assert tokenizer(text)["input_ids"][len(front) :] == own_tokens(tokenizer, text)
    assert tuple(map(names, added_around(tokenizer))) == (front, behind)


def read_alone(tokenizer: PreTrainedTokenizerFast, text: str) -> Reading:
    """A text's tokens by the tokenizer's own file, and its unread letters one by one."""
    encoding = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    unk = tokenizer.unk_token_id
    unknown = 0 if unk is None else encoding.ids.count(unk)
    known = [
        range(*span)
        for token, span in zip(encoding.ids, encoding.offsets, strict=True)
        if token != unk or not unknown
    ]
    missed = [
        place
        for place, letter in enumerate(text)
        if not letter.isspace() and not any(place in span for span in known)
    ]
    return Reading(encoding.ids, Unread(unknown, len(missed)))


def test_many_texts_are_read_as_each_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokenizers import Regex, normalizers

    from arabench.evaluation.harness import own_tokens as module

    chosen = ["", "  ", "</s> نص </s>", "كيف\nحالك؟ 😀", *texts()[::7]]
    for dropped in (False, True):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
        if dropped:
            tokenizer.backend_tokenizer.normalizer = normalizers.Replace(Regex("[ا-ر]"), "")
        expected = [read_alone(tokenizer, text) for text in chosen]
        assert any(reading.unread.characters for reading in expected) or not dropped
        for size in (1000, 7):
            monkeypatch.setattr(module, "_BATCH_TEXTS", size)
            assert read_texts(tokenizer, chosen) == expected
    assert read_texts(tokenizer, []) == []


class InPython:
    """A tokenizer without offsets, which puts BOS in front whatever it is told."""

    all_special_ids = (0, 1)
    unk_token_id = 1

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        letters = [ord(letter) if letter in "ابت" else 1 for letter in text if letter != "ث"]
        return [0, *letters]


def test_a_tokenizer_without_offsets_is_read_too() -> None:
    found = read_texts(InPython(), ["ابت", "بلا", "ثث ث", ""])  # type: ignore[arg-type]
    assert found == [
        Reading([*map(ord, "ابت")], Unread()),
        Reading([ord("ب"), 1, ord("ا")], Unread(1, 1)),
        Reading([1], Unread(1, 1)),
        Reading([], Unread()),
    ]


def test_a_text_is_tokenized_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build("gemma-byte-fallback", tmp_path)
    lm = hf(folder)
    seen: list[str] = []
    encode = type(lm.tokenizer)._encode_plus

    def counted(tokenizer: Any, text: Any, *args: Any, **kwargs: Any) -> Any:
        seen.extend([text] if isinstance(text, str) else text)
        return encode(tokenizer, text, *args, **kwargs)

    monkeypatch.setattr(type(lm.tokenizer), "_encode_plus", counted)
    rows = under_lm_eval(lm, TASKS, limit=LIMIT)["samples"]
    read = [row["doc"]["text"] for row in rows[TASKS[0]]]
    read += [text for row in rows[TASKS[1]] for text in row["doc"]["texts"]]
    assert len(read) == 3 * LIMIT
    assert {text: seen.count(text) for text in read} == {text: read.count(text) for text in read}
