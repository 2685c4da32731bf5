"""Training: what comes out loads anywhere, loses nothing, and is the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from arabench.audit.reading import plan_reading
from arabench.errors import DataError, UsageError
from arabench.subwords.corpus import (
    MAX_WORD_CHARS,
    TrainingText,
    covering_alphabet,
    cut_long_runs,
    with_boundaries,
)
from arabench.subwords.folders import check_output, new_folder
from arabench.subwords.options import TrainOptions
from arabench.subwords.pipeline import BOUNDARY
from arabench.subwords.saving import save_tokenizer
from arabench.subwords.train import train_tokenizer
from tests.corpus.support import write_rows
from tests.strategies import any_text

pytest.importorskip("transformers", reason="needs the extra arabench[eval]")

_SENTENCES = [
    "ذهب الولد إلى المدرسة ومعه كتابه الجديد.",
    "كتبت المعلمة الدرس على السبورة، وقرأه الطلاب.",
    "الكتاب على الطاولة والقلم في الحقيبة.",
    "رجعت من المدرسة ومعي كتبي وأقلامي!",
    "هل قرأت الكتاب الذي على الطاولة؟ قرأته 25 مرة.",
    "بيحب يقرا كتابه في البيت كل يوم.",
    "والطلاب بيكتبوا الدرس في كتابهم.",
] * 6
KINDS = [
    ("bpe", "byte-level"),
    ("bpe", "byte-fallback"),
    ("bpe", "characters"),
    ("unigram", "byte-level"),
    ("unigram", "byte-fallback"),
    ("unigram", "characters"),
]
LOSSLESS = [(model, alphabet) for model, alphabet in KINDS if alphabet != "characters"]


class Segmenter:
    """Parts the article, a conjunction and a pronoun from a few words."""

    signature = "toy"
    _words = {  # noqa: RUF012
        "المدرسة": "ال+مدرسة", "ومعه": "و+مع+ه", "كتابه": "كتاب+ه", "الكتاب": "ال+كتاب",
        "والقلم": "و+ال+قلم", "والطلاب": "و+ال+طلاب", "كتابهم": "كتاب+هم", "بيحب": "ب+يحب",
    }  # fmt: skip

    def __init__(self, scheme: str, mark: str, backend: str) -> None:
        self.mark = mark
        assert (scheme, backend) == ("d3", "builtin")

    def tokenize_many(self, texts: list[str]) -> list[str]:
        return [" ".join(map(self._one, text.split(" "))) for text in texts]

    def _one(self, word: str) -> str:
        marked = self._words.get(word, word)
        return marked if self.mark == "plus" else marked.replace("+", "+ ")


@pytest.fixture
def segmenter(monkeypatch: pytest.MonkeyPatch) -> None:
    import arabench.morph.tokenizer

    monkeypatch.setattr(arabench.morph.tokenizer, "Tokenizer", Segmenter)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [{"text": sentence} for sentence in _SENTENCES]
    return write_rows(tmp_path_factory.mktemp("corpus") / "a.txt", rows)


def trained(corpus: Path, **options: Any) -> Any:
    chosen = TrainOptions(**{"vocab_size": 400, **options})
    return train_tokenizer(TrainingText(plan_reading([str(corpus)]), chosen))


def saved(corpus: Path, folder: Path, **options: Any) -> Path:
    with new_folder(str(folder)) as place:
        save_tokenizer(trained(corpus, **options), place)
    return folder


@pytest.fixture(scope="module")
def loaded(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Any]:
    """The transformers tokenizer of a kind, trained once."""
    from transformers import AutoTokenizer

    made: dict[tuple[str, str], Any] = {}

    def load(model: str, alphabet: str) -> Any:
        if (model, alphabet) not in made:
            folder = tmp_path_factory.mktemp("trained") / f"{model}-{alphabet}"
            saved(corpus, folder, model=model, alphabet=alphabet, special_tokens=("<|im_end|>",))
            made[model, alphabet] = AutoTokenizer.from_pretrained(folder)
        return made[model, alphabet]

    return load


@pytest.mark.parametrize(("model", "alphabet"), KINDS)
def test_transformers_loads_it_with_no_code(
    loaded: Callable[[str, str], Any], model: str, alphabet: str
) -> None:
    tokenizer = loaded(model, alphabet)
    assert tokenizer.is_fast
    assert len(tokenizer) <= 400
    text = "قرأ الطلاب الكتاب في المدرسة."
    ids = tokenizer(text)["input_ids"]
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert len(ids) < len(text)
    assert tokenizer.eos_token is not None
    assert tokenizer.pad_token_id is not None
    end = tokenizer("نعم<|im_end|>")["input_ids"]
    assert end[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert tokenizer.decode(end, skip_special_tokens=True) == "نعم"
    assert tokenizer.chat_template is None


@pytest.mark.parametrize(("model", "alphabet"), LOSSLESS)
def test_every_text_comes_back(
    loaded: Callable[[str, str], Any], model: str, alphabet: str
) -> None:
    tokenizer = loaded(model, alphabet)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(any_text.filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
    def comes_back(text: str) -> None:
        # U+2581 is how a space is spelled where a space is a letter; as in SentencePiece.
        text = text if alphabet == "byte-level" else text.replace("\u2581", "")
        for item in (text, f"كتاب {text} كتاب", "<0x41> " + text):
            ids = tokenizer(item)["input_ids"]
            assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == item

    comes_back()


def test_a_vocalised_word_is_one_word(loaded: Callable[[str, str], Any]) -> None:
    splitter = loaded("bpe", "byte-level").backend_tokenizer.pre_tokenizer
    spans = [span for _, span in splitter.pre_tokenize_str("قَرَأَ الكِتَابَ، 12345 مرّة")]
    assert spans == [(0, 6), (6, 16), (16, 17), (17, 18), (18, 21), (21, 23), (23, 28)]


@pytest.mark.parametrize(("model", "alphabet"), KINDS)
def test_the_same_text_gives_the_same_bytes(
    corpus: Path, tmp_path: Path, model: str, alphabet: str
) -> None:
    first = saved(corpus, tmp_path / "a", model=model, alphabet=alphabet)
    second = saved(corpus, tmp_path / "b", model=model, alphabet=alphabet)
    names = sorted(path.name for path in first.iterdir())
    assert names == [
        "README.md",
        "arabench.json",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_another_process_gives_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    root = Path(__file__).parent.parent.parent
    contents = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        parallel = "true" if seed == "1" else "false"
        subprocess.run(
            [
                sys.executable, "-m", "arabench.cli", "tokenizer", "train", str(corpus),
                "-o", str(folder), "--vocab-size", "400", "--model", "unigram",
            ],
            check=True,
            capture_output=True,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "TOKENIZERS_PARALLELISM": parallel,
                "PYTHONPATH": str(root),
            },
        )  # fmt: skip
        contents.append(
            [(folder / name).read_bytes() for name in sorted(p.name for p in folder.iterdir())]
        )
    assert contents[0] == contents[1]


@pytest.mark.parametrize("model", ["bpe", "unigram"])
@pytest.mark.parametrize("alphabet", ["byte-level", "byte-fallback"])
@pytest.mark.usefixtures("segmenter")
def test_no_piece_crosses_a_segment_that_guides(corpus: Path, model: str, alphabet: str) -> None:
    plain = trained(corpus, model=model, alphabet=alphabet)
    guided = trained(corpus, model=model, alphabet=alphabet, pre_segment="d3")
    assert guided.text.unaligned == 0

    def pieces(made: Any, text: str) -> list[str]:
        return [made.tokenizer.decode([number]) for number in made.tokenizer.encode(text).ids]

    for text, cuts in ((" والقلم", (2, 4)), (" كتابه", (5,)), (" المدرسة", (3,))):
        for made, kept in ((guided, True), (plain, False)):
            found, length = set(), 0
            for piece in pieces(made, text):
                length += len(piece)
                found.add(length)
            if kept:
                assert found.issuperset(cuts), (text, pieces(made, text))
        assert "".join(pieces(guided, text)) == text
    # Without guidance the frequent word is one piece, with it none that spans its segments.
    assert " المدرسة" in pieces(plain, "في المدرسة")
    assert " المدرسة" not in pieces(guided, "في المدرسة")
    assert "مدرسة" in pieces(guided, "في المدرسة")


@pytest.mark.parametrize("model", ["bpe", "unigram"])
@pytest.mark.usefixtures("segmenter")
def test_segmented_input_is_read_segment_by_segment(
    corpus: Path, tmp_path: Path, model: str
) -> None:
    from transformers import AutoTokenizer

    from arabench.subwords.loading import load_tokenizer

    folder = saved(corpus, tmp_path / "a", model=model, pre_segment="d3", segments="input")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "في ال+ مدرسة"
    shown = [tokenizer.decode([number]) for number in tokenizer(text)["input_ids"]]
    assert " ال+" in shown
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert config["arabench"]["expects"] == ["arabench tokenize --scheme d3 --mark marked"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "    arabench tokenize --scheme d3 --mark marked" in card
    # The report segments the text before it measures such a tokenizer.
    own = load_tokenizer(str(folder))
    assert own.prepare(["في المدرسة"]) == [text]


@pytest.mark.parametrize(
    ("text", "marked", "expected"),
    [
        ("كتابه", "كتاب+ه", f"كتاب{BOUNDARY}ه"),
        ("1+2 كتابه", "1+2 كتاب+ه", f"1+2 كتاب{BOUNDARY}ه"),
        ("ا+كتابه", "ا\\+كتاب+ه", f"ا+كتاب{BOUNDARY}ه"),
        ("ا\\كتابه", "ا\\كتاب+ه", f"ا\\كتاب{BOUNDARY}ه"),
        ("كتابه", "كتابة+ه", None),
        ("1+كتابه", "1+كتاب", None),
        ("كتابه", "كتاب", None),
    ],
)
def test_segments_are_placed_in_the_text(text: str, marked: str, expected: str | None) -> None:
    assert with_boundaries(text, marked) == expected


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_a_word_without_end_is_trained_on_in_time(tmp_path: Path, model: str) -> None:
    # Uncut, the library needs time that grows with the square of the word.
    rows = [{"text": "كتب" * 100_000}, {"text": "ا" * 50_000 + " " * 50_000}, {"text": "كتاب"}]
    path = write_rows(tmp_path / "a.txt", rows)
    made = trained(path, model=model, vocab_size=320)
    assert made.text.chars == 300_000 + 100_000 + 4


def test_long_runs_are_cut_and_others_left() -> None:
    word = "ب" * MAX_WORD_CHARS
    assert cut_long_runs(f"{word} {word}") == f"{word} {word}"
    assert cut_long_runs(f"{word}ب") == f"{word}{BOUNDARY}ب"
    assert cut_long_runs(" " * (2 * MAX_WORD_CHARS + 1)).split(BOUNDARY) == [
        " " * MAX_WORD_CHARS, " " * MAX_WORD_CHARS, " ",
    ]  # fmt: skip


def test_normalization_comes_first_and_is_told(tmp_path: Path) -> None:
    rows = [{"text": "كـتـاب"}, {"text": "كتاب كتاب"}] * 9
    path = write_rows(tmp_path / "a.jsonl", rows)
    folder = saved(path, tmp_path / "t", vocab_size=270, normalize="llm")
    record = json.loads((folder / "arabench.json").read_text(encoding="utf-8"))
    assert record["expects"] == ["arabench normalize --preset llm"]
    assert record["data"]["chars"] == 9 * (4 + 9)
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert len(vocabulary["model"]["vocab"]) < 270
    assert record["vocabulary"]["pieces"] == len(vocabulary["model"]["vocab"])


def test_roles_and_tokens_of_their_own(corpus: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokens = ("bos=<start>", "eos=<end>", "<|user|>", "a=b")
    tokenizer = AutoTokenizer.from_pretrained(
        saved(corpus, tmp_path / "a", special_tokens=tokens, context=512)
    )
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<start>", "<end>")
    assert tokenizer.pad_token == "<|endoftext|>"  # noqa: S105
    assert {"<|user|>", "a=b"} <= set(tokenizer.all_special_tokens)
    assert tokenizer.model_max_length == 512


def test_rare_characters_are_left_out_of_the_alphabet(tmp_path: Path) -> None:
    rows = [{"text": "كتاب كتاب"}] * 200 + [{"text": "漢"}]
    path = write_rows(tmp_path / "a.txt", rows)
    for model in ("bpe", "unigram"):
        options = {"model": model, "alphabet": "byte-fallback", "coverage": 0.999}
        made = trained(path, **options).tokenizer
        assert "漢" not in made.get_vocab()
        assert made.encode("漢").tokens == ["<0xE6>", "<0xBC>", "<0xA2>"]
        full = trained(path, **{**options, "coverage": 1.0}).tokenizer
        assert full.encode("漢").tokens == ["漢"]


def test_an_alphabet_covers_by_frequency_then_code_point() -> None:
    from collections import Counter

    counts = Counter({"a": 90, "b": 5, "d": 2, "c": 2, "e": 1})
    assert covering_alphabet(counts, 0.9) == {"a"}
    assert covering_alphabet(counts, 0.96) == {"a", "b", "c"}
    assert covering_alphabet(counts, 1) == set("abcde")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"vocab_size": 257}, "Use 258 or more"),
        ({"vocab_size": 0}, "too small"),
        ({"vocab_size": 10**12}, "too large"),
        ({"vocab_size": 300, "model": "wordpiece"}, "model='wordpiece' is not known"),
        ({"vocab_size": 300, "alphabet": "utf8"}, "alphabet='utf8' is not known"),
        ({"vocab_size": 300, "normalize": "lllm"}, "Did you mean 'llm'"),
        ({"vocab_size": 300, "segments": "input"}, "name pre_segment"),
        ({"vocab_size": 300, "coverage": 2}, "coverage=2"),
        ({"vocab_size": 300, "min_frequency": 0}, "min_frequency=0"),
        ({"vocab_size": 300, "context": 0}, "context=0"),
        ({"vocab_size": 300, "special_tokens": ("",)}, "special token is empty"),
        ({"vocab_size": 300, "special_tokens": ("unk=<u>",)}, "never used with byte-level"),
        (
            {"vocab_size": 300, "segments": "input", "mark": "plus", "pre_segment": "d3"},
            "mark=plus",
        ),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TrainOptions(**options)


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_a_vocabulary_smaller_than_the_alphabet_is_refused(tmp_path: Path, model: str) -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 200)))
    path = write_rows(tmp_path / "a.txt", [{"text": many}])
    with pytest.raises(UsageError, match=r"Use \d+ or more"):
        trained(path, model=model, alphabet="characters", vocab_size=100, coverage=1.0)


@pytest.mark.parametrize(("model", "alphabet"), KINDS)
def test_blank_data_is_refused(tmp_path: Path, model: str, alphabet: str) -> None:
    path = write_rows(tmp_path / "a.txt", [{"text": "  "}, {"text": ""}])
    with pytest.raises(DataError, match="nothing to train on"):
        trained(path, model=model, alphabet=alphabet)


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_text_that_normalization_empties_is_blank(tmp_path: Path, model: str) -> None:
    path = write_rows(tmp_path / "a.txt", [{"text": "😀"}, {"text": "🙂 🙂"}])
    with pytest.raises(DataError, match="nothing to train on"):
        trained(path, model=model, normalize="paper")


def test_only_a_tokenizer_of_ours_is_replaced(corpus: Path, tmp_path: Path) -> None:
    folder = saved(corpus, tmp_path / "a")
    with pytest.raises(UsageError, match="--force"):
        check_output(str(folder))
    check_output(str(folder), force=True)
    (tmp_path / "other").mkdir()
    check_output(str(tmp_path / "other"))
    (tmp_path / "other" / "thesis.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="other files"):
        check_output(str(tmp_path / "other"), force=True)
    with pytest.raises(UsageError, match="is a file"):
        check_output(str(corpus))


def test_a_failure_leaves_the_old_folder_and_nothing_else(corpus: Path, tmp_path: Path) -> None:
    folder = saved(corpus, tmp_path / "a")
    before = (folder / "tokenizer.json").read_bytes()

    def fail() -> None:
        with new_folder(str(folder)) as place:
            (place / "tokenizer.json").write_text("half", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (folder / "tokenizer.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
