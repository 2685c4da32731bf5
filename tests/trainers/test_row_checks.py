"""What is wrong with data is told before a model is loaded: how many rows, which, what to do."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for package in ("torch", "trl", "peft", "bitsandbytes", "lm_eval"):
    pytest.importorskip(package, reason="needs the extras arabench[train,eval]")

from arabench.chars import DIACRITICS, LETTERS  # noqa: E402
from arabench.cli.main import main  # noqa: E402
from arabench.evaluation.contamination.items import load_items  # noqa: E402
from arabench.trainers.data import checks, letters  # noqa: E402
from arabench.trainers.data.checks import Checked, check_rows  # noqa: E402
from arabench.trainers.data.sources import find_places  # noqa: E402
from arabench.trainers.recipe import DataSection, Recipe, dump_recipe  # noqa: E402
from arabench.trainers.run import base, checking  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402

PAIR = {"prompt_field": "q", "response_field": "a"}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def looked(path: Path, seed: int = 0, **keys: Any) -> Checked:
    section = DataSection(source=str(path), **keys)
    return check_rows(section, find_places(section)[0], dict, seed)


def test_faults_by_row(tmp_path: Path) -> None:
    path = write(
        tmp_path / "d.jsonl",
        [
            {"q": "من؟ ", "a": "أنا"}, {"q": "x", "a": " "}, {"q": None, "a": "x"},
            {"q": "من؟ ", "a": "أنا"}, {"q": "who", "a": "me"}, {"q": "", "a": "نعم"},
        ],
    )  # fmt: skip
    found = looked(path, **PAIR, prompt_template="{prompt}")
    assert found.rows == 6
    named = {kind: (fault.rows, fault.named) for kind, fault in found.faults.items()}
    assert named == {
        "empty": (2, [f"{path}:2", f"{path}:3"]),
        "doubled": (1, [f"{path}:4"]),
        "space": (2, [f"{path}:1", f"{path}:4"]),
        "no_arabic": (1, [f"{path}:5"]),
    }
    assert "space" not in looked(path, **PAIR).faults  # the template ends in a line break
    assert looked(path, **PAIR, prompt_template="{prompt} ").faults["space"].rows == 4


def test_many_faults_name_the_first(tmp_path: Path) -> None:
    found = looked(
        write(tmp_path / "d.jsonl", [{"text": ""}] * 9 + [{"text": "x"}]), text_field="text"
    )
    assert found.faults["empty"].rows == 9
    assert [name.rpartition(":")[2] for name in found.faults["empty"].named] == list("12345")


def test_pairs_that_prefer_nothing(tmp_path: Path) -> None:
    rows = [{"p": "من؟", "c": "أنا", "r": "أنا "}, {"p": "من؟", "c": "أنا", "r": "أنت"}]
    found = looked(
        write(tmp_path / "d.jsonl", rows), prompt_field="p", chosen_field="c", rejected_field="r"
    )
    assert found.faults["identical"].named == [f"{tmp_path / 'd.jsonl'}:1"]


def test_conversations(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "من؟"}, {"role": "assistant", "content": "أنا"}]
    rows = [{"m": turns}, {"m": turns[:1]}, {"m": turns}]
    found = looked(write(tmp_path / "d.jsonl", rows), messages_field="m")
    assert {kind: fault.rows for kind, fault in found.faults.items()} == {"empty": 1, "doubled": 1}


TEXTS = ["كتابٌ  book", "", "ـــ", "été 123", "Книга كتاب", "a\nb", "ﻻ ａ"]


def test_letters_are_counted_as_their_definition_does() -> None:
    def kind(letter: str) -> str | None:
        if letter == "ـ":
            return "tatweel"
        if letter in LETTERS:
            return "arabic"
        if letter in DIACRITICS:
            return "diacritics"
        if not letter.isalpha():
            return None
        latin = ord(letter) < 0x250 or unicodedata.name(letter, "").startswith("LATIN ")
        return "latin" if latin else "other"

    found = letters.count(TEXTS)
    expected = [[sum(kind(c) == k for c in text) for k in letters.KINDS] for text in TEXTS]
    assert found.tolist() == expected
    assert np.array(expected).any(axis=0).all()


def test_languages_and_profile(tmp_path: Path) -> None:
    rows = [
        {"text": "3ayez aroo7 el beet delwa2ty ya 7abibi"}, {"text": "كتـــابٌ"},
        {"text": "The house is on the other side of the street and it was not there before"},
    ]  # fmt: skip
    found = looked(write(tmp_path / "d.jsonl", rows), text_field="text")
    assert found.latin == 2
    assert found.languages == {"arabizi": 1, "english": 1}
    assert found.letters["tatweel"] == 3
    assert found.letters["diacritics"] == 1


def test_the_sample_is_drawn_by_the_seed_from_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "SAMPLE_ROWS", 50)
    path = write(tmp_path / "d.jsonl", [{"text": f"نص {n}"} for n in range(3000)])

    def drawn(seed: int) -> list[int]:
        return [
            int(row["text"].split()[1]) for _, row in looked(path, seed, text_field="text").sample
        ]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 50
    means = [float(np.mean(drawn(seed))) for seed in range(8)]
    # The mean of 400 draws from 0..2999 has a standard error of 43.
    assert abs(np.mean(means) - 1499.5) < 180


@pytest.fixture
def no_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(*arguments: Any) -> None:
        pytest.fail("the base was loaded")

    monkeypatch.setattr(base, "load_base", loaded)


def test_what_is_said(make_recipe: MakeRecipe, tmp_path: Path, no_loading: None) -> None:
    item = next(
        part.text
        for item in load_items(("arabench_lm_egy",), {})
        for part in item.parts
        if len(part.text.split()) > 8
    )
    rows = [{"text": f"{SENTENCE} {n}"} for n in range(20)]
    rows += [{"text": item}, rows[0], {"text": ""}, {"text": SENTENCE * 40}]
    path = write(tmp_path / "d.jsonl", rows)
    said: list[str] = []
    checking.check(make_recipe(data={"source": str(path)}), said.append, ("arabench_lm_egy",))
    text = "\n".join(said)
    for expected in (
        "24 rows read",
        f"1 of 24 rows (4.17%) hold nothing to learn: {path}:23.",
        f"stand in the data before, letter by letter: {path}:22. `arabench dedup`",
        "letters: 100.0% Arabic",
        "of a sample of 23 rows",
        "are longer than training.max_length (64 tokens)",
        "tokens a word",
        f"items of arabench_lm_egy are in the data, as in {path}:21",
    ):
        assert expected in text, expected
    assert not (tmp_path / "run").exists()


def test_the_command(
    make_recipe: MakeRecipe, tmp_path: Path, capsys: Any, no_loading: None
) -> None:
    recipe: Recipe = make_recipe()
    file = tmp_path / "r.yaml"
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    assert main(["train", str(file), "--check", "--tasks", "none"]) == 0
    said = capsys.readouterr().err
    assert "8 rows read" in said
    assert "7 of 8 rows (87.50%) stand in the data before" in said
    assert main(["train", str(file), "--check", "--tasks", "arabench_lm_egi"]) == 2
    assert "task 'arabench_lm_egi' is not known. Did you mean" in capsys.readouterr().err
    assert main(["train", str(file), "--check", "--set", "data.source=none.jsonl"]) == 2
