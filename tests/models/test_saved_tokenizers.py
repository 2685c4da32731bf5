"""Ids are those of tokenizer.json, beside a model of every family."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra arabench[eval]")

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from arabench.errors import ArabenchError, UsageError
from arabench.models.saved_tokenizers import (
    FAMILIES,
    PROBES,
    TOKENIZER_FILE,
    check_built,
    check_saved,
    keep_as_saved,
    load_tokenizer,
    other_ids,
    save_tokenizer,
)

TEXTS = [*PROBES, "كيف حال الطُّلَّاب اليوم", "قَرَأَ كِتَابًا", "في البيت 2024 كتاب"] * 3
END = "</s>"
#: Beside a config.json of these, transformers 5.23 builds its own tokenizer.
REBUILT = ("qwen2", "qwen3_5", "hyperclovax_vision_v2")


_WORDS = r" ?[\p{L}\p{M}]+|\p{N}{1,3}|[^\p{L}\p{M}\p{N}]+"


def _byte_level() -> Tokenizer:
    """Words keep their marks, as those of `arabench tokenizer train`."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )  # fmt: skip
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=330, special_tokens=["</s>"], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    return made


def _pieces() -> Tokenizer:
    """As Llama 2's: a mark for a space, and an unknown token for the rest."""
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Replace(" ", "▁")
    made.decoder = decoders.Replace("▁", " ")
    made.train_from_iterator(
        TEXTS,
        trainers.UnigramTrainer(
            vocab_size=120, special_tokens=["<unk>", "</s>"], unk_token="<unk>",  # noqa: S106
            show_progress=False,
        ),
    )  # fmt: skip
    return made


KINDS: dict[str, Callable[[], Tokenizer]] = {"byte-level": _byte_level, "pieces": _pieces}


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=KINDS[request.param](), eos_token=END)


def ids(tokenizer: Any) -> list[list[int]]:
    found: list[list[int]] = tokenizer(list(PROBES), add_special_tokens=False)["input_ids"]
    return found


def beside(tokenizer: Any, folder: Path, family: str) -> Path:
    """The tokenizer as transformers saves it, in a model folder of that family."""
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": family}), encoding="utf-8")
    return folder


def at(folder: Path) -> dict[str, Any]:
    return {"pretrained_model_name_or_path": str(folder)}


@pytest.mark.parametrize("family", [*FAMILIES, *REBUILT])
def test_the_saved_tokenizer_is_loaded(
    tokenizer: PreTrainedTokenizerFast, family: str, tmp_path: Path
) -> None:
    folder = beside(tokenizer, tmp_path, family)
    loaded, message = load_tokenizer(at(folder))
    assert ids(loaded) == ids(tokenizer)
    assert len(loaded) == len(tokenizer)
    assert loaded.eos_token == END
    assert bool(message) == (family in REBUILT)
    if message:
        assert ids(AutoTokenizer.from_pretrained(folder)) != ids(tokenizer)
        built = other_ids(AutoTokenizer.from_pretrained(folder), folder / TOKENIZER_FILE)
        assert f"for {len(built)} of {len(PROBES)} texts" in message
        assert repr(built[0]) in message
        with pytest.raises(UsageError, match=r"other ids than .*Use `arabench eval`"):
            check_built(AutoTokenizer.from_pretrained(folder))
    check_built(loaded)


@pytest.mark.parametrize("family", [*FAMILIES, *REBUILT])
def test_what_is_saved_is_what_autotokenizer_loads(
    tokenizer: PreTrainedTokenizerFast, family: str, tmp_path: Path
) -> None:
    save_tokenizer(tokenizer, tmp_path / "beside", family)  # the model is saved afterwards
    (tmp_path / "beside/config.json").write_text(json.dumps({"model_type": family}))
    save_tokenizer(tokenizer, beside(tokenizer, tmp_path / "onto", family))
    for folder in (tmp_path / "beside", tmp_path / "onto"):
        found = AutoTokenizer.from_pretrained(folder)
        assert ids(found) == ids(tokenizer)
        assert len(found) == len(tokenizer)
        assert found.special_tokens_map == tokenizer.special_tokens_map
        assert found.decode(ids(found)[0]) == tokenizer.decode(ids(tokenizer)[0])
        assert load_tokenizer(at(folder))[1] == ""
        # Loaded and saved again, as an adapter's tokenizer is.
        again = tmp_path / f"{folder.name}-again"
        save_tokenizer(found, again, family)
        assert ids(AutoTokenizer.from_pretrained(again)) == ids(tokenizer)
        shutil.copy(folder / "config.json", again)
        assert ids(AutoTokenizer.from_pretrained(again)) == ids(tokenizer)


def test_a_tokenizer_is_checked_beside_every_family(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ArabenchError, match=r"beside a model of the type 'qwen2': .* other ids"):
        check_saved(tmp_path)
    keep_as_saved(tmp_path)
    check_saved(tmp_path)
    check_saved(tmp_path, REBUILT)


def test_a_token_that_a_family_adds_is_noticed(tmp_path: Path) -> None:
    """Qwen2's class adds <|endoftext|>, one row beyond the model's embedding."""
    inner = Tokenizer(models.BPE())
    inner.normalizer = normalizers.NFC()
    inner.pre_tokenizer = AutoTokenizer.from_pretrained(
        beside(PreTrainedTokenizerFast(tokenizer_object=_byte_level()), tmp_path / "a", "qwen2")
    ).backend_tokenizer.pre_tokenizer
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=330, special_tokens=["</s>"], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END)
    folder = beside(tokenizer, tmp_path / "b", "qwen2")
    assert ids(AutoTokenizer.from_pretrained(folder)) == ids(tokenizer)
    with pytest.raises(ArabenchError, match=r"it has 331 tokens and not 330"):
        check_saved(folder, ())
    save_tokenizer(tokenizer, folder)
    assert len(AutoTokenizer.from_pretrained(folder)) == 330


def test_a_class_of_its_own_is_held_against_the_file(tmp_path: Path) -> None:
    """A folder that names GPT-2's class is split by GPT-2's words, whatever it was trained on."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_byte_level(), eos_token=END)
    folder = beside(tokenizer, tmp_path, "llama")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "GPT2Tokenizer"
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    loaded, message = load_tokenizer(at(folder))
    assert "GPT2Tokenizer gives other ids" in message
    assert ids(loaded) == ids(tokenizer)


def test_tokens_that_the_folder_adds_are_no_other_tokenizer(tmp_path: Path) -> None:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_byte_level(), eos_token=END)
    folder = beside(tokenizer, tmp_path, "llama")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["extra_special_tokens"] = ["حالك"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    loaded, message = load_tokenizer(at(folder))
    assert message == ""
    assert loaded.convert_tokens_to_ids("حالك") in ids(loaded)[0]


def test_truncation_in_the_file_is_no_difference(tmp_path: Path) -> None:
    inner = _byte_level()
    inner.enable_truncation(2)
    inner.enable_padding(length=50)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=END)
    assert load_tokenizer(at(beside(tokenizer, tmp_path, "qwen3")))[1] == ""


def test_a_folder_without_the_file_is_left_to_transformers(tmp_path: Path) -> None:
    from transformers import CanineTokenizer

    CanineTokenizer().save_pretrained(tmp_path)
    loaded, message = load_tokenizer(at(tmp_path))
    assert not loaded.is_fast
    assert message == ""
    check_built(loaded)
    save_tokenizer(loaded, tmp_path / "again")
    assert ids(AutoTokenizer.from_pretrained(tmp_path / "again")) == ids(loaded)
