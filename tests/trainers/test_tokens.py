"""Rows as tokens: what TRL makes of them where they fit, nothing lost in silence where not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[train]")
pytest.importorskip("trl", reason="needs the extra arabench[train]")

from arabench.errors import DataError  # noqa: E402
from arabench.trainers.data.tokens import IGNORED, Encoded, encode  # noqa: E402
from tests.trainers.conftest import SENTENCE  # noqa: E402


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


def texts(tokenizer: Any, *contents: str) -> Any:
    return datasets.Dataset.from_list([{"text": text + tokenizer.eos_token} for text in contents])


def pairs(tokenizer: Any, *contents: tuple[str, str]) -> Any:
    return datasets.Dataset.from_list(
        [{"prompt": prompt, "completion": end + tokenizer.eos_token} for prompt, end in contents]
    )


def predicted(encoded: Encoded) -> list[int]:
    """Tokens that are learned, in order: the first of a row has nothing before it."""
    return [
        label for row in encoded.dataset["labels"] for label in list(row)[1:] if label != IGNORED
    ]


@pytest.mark.parametrize("kind", ["text", "pair"])
def test_rows_that_fit_are_those_of_trl(kind: str, tokenizer: Any, tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    if kind == "text":
        rows = texts(tokenizer, SENTENCE, "نص", f"{SENTENCE}\n{SENTENCE}")
    else:
        rows = pairs(tokenizer, ("ما؟ ", "لا شيء"), ("", "نعم"), ("ال", "بيت"))
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_base),
        args=SFTConfig(max_length=256, report_to="none", use_cpu=True, bf16=False),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    mine = encode(rows, tokenizer, 256).dataset
    for column in ("input_ids", "labels"):
        assert list(map(list, mine[column])) == list(map(list, trainer.train_dataset[column]))


@pytest.mark.parametrize("max_length", [8, 9, 16, 17, 64])
def test_every_token_of_a_long_text_is_predicted_once(max_length: int, tokenizer: Any) -> None:
    """Whatever the length is, also where the end of text would stand alone in a last piece."""
    for words in range(1, 30):
        text = SENTENCE * 3 + "ا" * words
        whole = tokenizer(text + tokenizer.eos_token)["input_ids"]
        encoded = encode(texts(tokenizer, text), tokenizer, max_length)
        rows = list(map(list, encoded.dataset["input_ids"]))
        assert predicted(encoded) == whole[1:]
        assert rows[-1][-1] == tokenizer.eos_token_id
        assert all(1 < len(row) <= max_length for row in rows)
        assert encoded.longest == max(map(len, rows))
        assert encoded.texts_divided == (len(whole) > max_length) == (len(rows) > 1)


def test_long_texts_are_counted_and_reported(tokenizer: Any) -> None:
    encoded = encode(texts(tokenizer, SENTENCE * 9, "نص", SENTENCE * 5), tokenizer, 16)
    assert (encoded.texts_divided, encoded.responses_shortened, encoded.left_out) == (2, 0, 0)
    (note,) = encoded.notes(3, 16)
    assert note.startswith("2 of 3 rows were longer than training.max_length (16 tokens): ")
    assert f"so that {len(encoded.dataset)} rows are trained on" in note
    assert encode(texts(tokenizer, "نص"), tokenizer, 16).notes(1, 16) == []


def test_long_responses_lose_their_end_and_that_is_said(tokenizer: Any) -> None:
    rows = pairs(tokenizer, ("ما؟ ", SENTENCE * 9), ("ما؟ ", "نص"), (SENTENCE * 9, "نص"))
    encoded = encode(rows, tokenizer, 16)
    assert (encoded.texts_divided, encoded.responses_shortened, encoded.left_out) == (0, 1, 1)
    cut, whole = (list(row) for row in encoded.dataset["labels"])
    assert len(cut) == 16
    assert tokenizer.eos_token_id not in cut
    assert whole[-1] == tokenizer.eos_token_id
    (note,) = encoded.notes(3, 16)
    assert note == (
        "2 of 3 rows were longer than training.max_length (16 tokens): 1 lost the end of their "
        "response, and the end of text with it; 1 were left out, because their prompt alone "
        "fills that"
    )


def test_a_row_of_exactly_max_length_is_whole(tokenizer: Any) -> None:
    length = len(tokenizer(SENTENCE + tokenizer.eos_token)["input_ids"])
    encoded = encode(texts(tokenizer, SENTENCE), tokenizer, length)
    assert (len(encoded.dataset), encoded.texts_divided) == (1, 0)
    encoded = encode(texts(tokenizer, SENTENCE), tokenizer, length - 1)
    assert (len(encoded.dataset), encoded.texts_divided) == (2, 1)
    pair = pairs(tokenizer, ("", SENTENCE))
    assert encode(pair, tokenizer, length).responses_shortened == 0
    assert encode(pair, tokenizer, length - 1).responses_shortened == 1


def test_prompts_that_fill_max_length_leave_nothing(tokenizer: Any) -> None:
    with pytest.raises(DataError, match=r"max_length \(16 tokens\)"):
        encode(pairs(tokenizer, (SENTENCE * 9, "نص")), tokenizer, 16)


def test_a_tokenizer_that_ends_texts_itself_does_not_end_them_twice(tiny_base: Path) -> None:
    from tokenizers.processors import TemplateProcessing
    from transformers import AutoTokenizer

    ending = AutoTokenizer.from_pretrained(tiny_base)
    ending.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {ending.eos_token}", special_tokens=[(ending.eos_token, ending.eos_token_id)]
    )
    assert ending("نص")["input_ids"][-1] == ending.eos_token_id
    for rows in (texts(ending, "نص"), pairs(ending, ("ما؟ ", "نص"))):
        row = list(encode(rows, ending, 64).dataset["input_ids"][0])
        assert row.count(ending.eos_token_id) == 1
        assert row[-1] == ending.eos_token_id


def test_digest_is_of_tokens_and_labels(tokenizer: Any) -> None:
    digests = {
        encode(texts(tokenizer, SENTENCE), tokenizer, 64).sha256,
        encode(texts(tokenizer, SENTENCE), tokenizer, 16).sha256,
        encode(pairs(tokenizer, ("", SENTENCE)), tokenizer, 64).sha256,
        encode(pairs(tokenizer, (SENTENCE[:5], SENTENCE[5:])), tokenizer, 64).sha256,
        encode(texts(tokenizer, SENTENCE, SENTENCE), tokenizer, 64).sha256,
    }
    # The third has the tokens and labels of the first.
    assert len(digests) == 4


@pytest.fixture
def dropping(tiny_base: Path) -> Any:
    """A tokenizer whose normalizer drops Latin letters."""
    from tokenizers import Regex
    from tokenizers.normalizers import Replace
    from transformers import AutoTokenizer

    made = AutoTokenizer.from_pretrained(tiny_base)
    made.backend_tokenizer.normalizer = Replace(Regex("[a-z]"), "")
    assert made("abc")["input_ids"] == []
    return made


def begun_by(tokenizer: Any) -> Any:
    """The tokenizer, made to put a token before each text."""
    from tokenizers.processors import TemplateProcessing

    begin = tokenizer.convert_ids_to_tokens(5)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, 5)]
    )
    return tokenizer


@pytest.mark.parametrize("begins", [False, True])
def test_texts_that_the_tokenizer_drops_are_left_out_and_counted(
    begins: bool, dropping: Any
) -> None:
    """They would be rows of the end of text alone, without a token to predict and of loss 0."""
    tokenizer = begun_by(dropping) if begins else dropping
    encoded = encode(texts(tokenizer, "نص", "abc", SENTENCE, "x"), tokenizer, 64)
    assert (len(encoded.dataset), encoded.vanished) == (2, 2)
    assert encoded.notes(4, 64) == [
        "2 of 4 rows were left out: the tokenizer keeps nothing of their text"
    ]
    assert encoded.sha256 == encode(texts(tokenizer, "نص", SENTENCE), tokenizer, 64).sha256
    with pytest.raises(DataError, match=r"^none of 2 rows can be learned: .* of the text of 2 "):
        encode(texts(tokenizer, "abc", "x"), tokenizer, 64)


@pytest.mark.parametrize("begins", [False, True])
def test_responses_that_the_tokenizer_drops_are_left_out_and_counted(
    begins: bool, dropping: Any
) -> None:
    tokenizer = begun_by(dropping) if begins else dropping
    rows = pairs(tokenizer, ("", "abc"), ("ما؟ ", "abc"), ("ab", "نعم"), ("ما؟ ", "نعم"))
    encoded = encode(rows, tokenizer, 64)
    assert (len(encoded.dataset), encoded.vanished, encoded.left_out) == (2, 2, 0)
    assert encoded.notes(4, 64) == [
        "2 of 4 rows were left out: the tokenizer keeps nothing of their response"
    ]
    for row in encoded.dataset["labels"]:
        assert [label for label in list(row)[1:] if label != IGNORED]
    with pytest.raises(DataError, match=r"of 1 .*, and the prompts of 1 alone fill .*max_length"):
        encode(pairs(tokenizer, ("", "abc"), (SENTENCE * 9, "نص")), tokenizer, 16)
