"""The compiled engine gives the reference's bytes."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.text import engine as engine_module
from arabench.text.compiled import tables
from arabench.text.engine import BatchNormalizer, Kernel
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options, option_values
from arabench.text.presets import options_from, presets
from tests.strategies import _INTERESTING, any_text, options

#: Bytes read of each real file: the reference needs a second for about three megabytes.
REAL_BYTES = 400_000


def compiled(chosen: Options) -> BatchNormalizer:
    """An engine that compiles at once."""
    return BatchNormalizer(Normalizer(chosen), compile_after_chars=0)


def random_options(rng: random.Random) -> Options:
    values = {name: rng.choice(allowed) for name, allowed in option_values().items()}
    if values["alif"] == "unify" or values["hamza"] != "keep":
        values["mark_order"] = "canonical"
    return Options(**values)  # type: ignore[arg-type]


def random_text(rng: random.Random) -> str:
    blocks = ((0x600, 0x700), (0, 0x250), (0x2000, 0x2100), (0xFB50, 0xFF00), (0x1F000, 0x1FB00))
    if rng.random() < 0.8:
        return "".join(rng.choices(_INTERESTING, k=rng.randrange(18)))
    return "".join(chr(rng.randrange(*rng.choice(blocks))) for _ in range(rng.randrange(40)))


@settings(max_examples=120, deadline=None)
@given(options, st.lists(any_text, max_size=6))
def test_equal_to_the_reference(chosen: Options, texts: list[str]) -> None:
    reference = Normalizer(chosen)
    assert compiled(chosen).normalize_many(texts) == [reference(text) for text in texts]


@pytest.mark.parametrize("seed", range(12))
def test_equal_to_the_reference_on_many_random_texts(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(4):
        chosen = random_options(rng)
        texts = [random_text(rng) for _ in range(800)]
        reference = Normalizer(chosen)
        for text, result in zip(texts, compiled(chosen).normalize_many(texts), strict=True):
            assert result == reference(text), (chosen.signature, text.encode("unicode_escape"))


def test_every_code_point_alone_and_in_a_word() -> None:
    codes = [chr(code) for code in range(0x3100) if not 0xD800 <= code <= 0xDFFF]
    codes += [chr(code) for code in range(0xFB00, 0x10000)]
    texts = codes + [f"كت{char}اب {char}" for char in codes]
    for preset in ("llm", "paper", "search"):
        chosen = options_from(preset)
        reference = Normalizer(chosen)
        assert compiled(chosen).normalize_many(texts) == [reference(text) for text in texts]


def test_output_longer_than_its_first_buffer() -> None:
    text = "\ufdfa" * 5000  # three bytes become thirty-three
    chosen = options_from("llm")
    assert compiled(chosen).normalize_many([text, "x"]) == [Normalizer(chosen)(text), "x"]


def test_rows_the_kernel_leaves_to_the_reference() -> None:
    many_marks, surrogate = "ب" + "\u064e\u0651" * 40, "ا\ud800ب"
    chosen = options_from("llm")
    kernel = Kernel(chosen)
    assert kernel.normalize([many_marks, "كتـاب", surrogate]) == [None, "كتاب", None]
    reference = Normalizer(chosen)
    texts = [many_marks, surrogate]
    assert compiled(chosen).normalize_many(texts) == [reference(text) for text in texts]


def test_rules_without_a_compiled_form_have_a_pass_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = options_from("llm", {"diacritics": "no_case_endings"})
    assert Kernel(chosen).passes == 1
    order = tuple(name for name in tables._ORDER if name != "case-endings")
    monkeypatch.setattr(tables, "_ORDER", order)
    assert Kernel(chosen).passes == 3
    texts = ["كِتَابٌ", "  ", "a\ud800ب", "كتـــابٌ\u0640", "ب" + "\u064e\u0651" * 40]
    reference = Normalizer(chosen)
    assert compiled(chosen).normalize_many(texts) == [reference(text) for text in texts]


@pytest.mark.parametrize("preset", sorted(presets()))
def test_presets_need_one_pass(preset: str) -> None:
    if not preset.startswith("arabert"):  # which looks for addresses and drawn-out letters
        assert Kernel(options_from(preset)).passes == 1


def test_case_endings_across_what_is_deleted() -> None:
    rng = random.Random(3)
    alphabet = (
        "اباىيةهٱأوكم \u0640.1\u200d\u200c\ufdfa\ufd3d\ufc5d\ufe70\U0001f600a\u06d6"
        + "\u064b\u064c\u064e\u064f\u0651\u0652\u0670\u0654\u0655\u0653" * 2
    )
    for _ in range(30):
        chosen = dataclasses.replace(random_options(rng), diacritics="no_case_endings")
        texts = ["".join(rng.choices(alphabet, k=rng.randrange(12))) for _ in range(300)]
        reference = Normalizer(chosen)
        assert compiled(chosen).normalize_many(texts) == [reference(text) for text in texts]


def test_a_short_run_never_pays_for_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(chosen: Options) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr(engine_module, "Kernel", refuse)
    assert BatchNormalizer(Normalizer(options_from("llm"))).normalize_many(["كتـاب"]) == ["كتاب"]


@pytest.mark.shared_data
def test_equal_on_real_files(shared_data: Path) -> None:
    files = sorted(
        path
        for path in shared_data.rglob("*")
        if path.suffix in {".txt", ".tsv", ".csv", ".jsonl", ".conllu", ".ara"}
    )
    assert len(files) > 20
    normalizers = {name: Normalizer(options_from(name)) for name in ("llm", "search")}
    engines = {name: compiled(options_from(name)) for name in normalizers}
    for path in files:
        with path.open("rb") as stream:
            lines = stream.read(REAL_BYTES).decode("utf-8", "replace").split("\n")
        for name, reference in normalizers.items():
            expected = [reference(line) for line in lines]
            assert engines[name].normalize_many(lines) == expected, (path.name, name)
