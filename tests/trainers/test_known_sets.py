"""Known data sets, on files that look like them: each becomes rows that a method takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[train]")
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from arabench.errors import UsageError  # noqa: E402
from arabench.trainers.data import rows as reading  # noqa: E402
from arabench.trainers.data.known_sets import KNOWN  # noqa: E402
from arabench.trainers.data.rows import load_rows  # noqa: E402
from arabench.trainers.data.sources import find_places  # noqa: E402
from arabench.trainers.methods.table import METHODS  # noqa: E402
from arabench.trainers.recipe import DataSection  # noqa: E402

TALK = [{"content": "شكون نتا؟", "role": "user"}, {"content": "أنا", "role": "assistant"}]


def message(number: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
    kept = {"message_id": number, "parent_id": parent, "role": role, "text": text}
    return {**kept, "lang": "ar", "rank": None, "deleted": False, **more}


#: Name -> method, rows as they lie there, rows as they are trained on.
LOOKS: dict[str, tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = {
    "bactrian-x": (
        "sft",
        [{"instruction": "لخص", "input": "نص", "id": "1", "output": "ملخص"},
         {"instruction": "عد", "input": "", "id": "2", "output": "واحد"}],
        [{"prompt": "لخص\n\nنص", "completion": "ملخص<e>"},
         {"prompt": "عد", "completion": "واحد<e>"}],
    ),
    "openassistant": (
        "sft",
        [message("1", None, "prompter", "من أنت؟"), message("2", "1", "assistant", "لا", rank=1.0),
         message("3", "1", "assistant", "أنا", rank=0.0),
         message("4", "3", "prompter", "وأين؟"), message("5", "4", "assistant", "هنا"),
         message("6", None, "prompter", "بلا جواب"),
         message("7", None, "prompter", "Who?", lang="en"),
         message("8", "7", "assistant", "Me", lang="en", rank=0.0)],
        [{"prompt": "من أنت؟", "completion": "أنا<e>"},
         {"prompt": "وأين؟", "completion": "هنا<e>"}],
    ),
    "wikipedia": (
        "sft", [{"id": "1", "url": "u", "title": "ع", "text": "مقال"}], [{"text": "مقال<e>"}],
    ),
    "cidar": (
        "sft", [{"output": "نعم", "instruction": "أجب", "index": 3}],
        [{"prompt": "أجب", "completion": "نعم<e>"}],
    ),
    "instar-500k": (
        "sft",
        [{"instruction": "أجب", "output": "نعم", "source": "s", "task": "t", "system": "",
          "uuid": "u", "topic": "t"}],
        [{"prompt": "أجب", "completion": "نعم<e>"}],
    ),
    "arabic-openhermes-2.5": (
        "sft",
        [{"title": None, "system_prompt": None, "user": "أجب", "gpt": "نعم",
          "conversations": "[{...}]"}],
        [{"prompt": "أجب", "completion": "نعم<e>"}],
    ),
    "arabic-preference-rlhf": (
        "dpo", [{"instruction": "أجب", "chosen": "نعم", "rejected": "لا"}],
        [{"prompt": "أجب", "chosen": "نعم<e>", "rejected": "لا<e>"}],
    ),
    "argilla-dpo-mix-7k-arabic": (
        "dpo",
        [{"dataset": "d", "chosen": TALK, "rejected": [TALK[0], {**TALK[1], "content": "لا"}],
          "chosen_rating": 5.0, "rejected_rating": 4.0},
         {"dataset": "d", "chosen": TALK * 2, "rejected": TALK * 2, "chosen_rating": 5.0,
          "rejected_rating": 4.0}],
        [{"prompt": "شكون نتا؟", "chosen": "أنا<e>", "rejected": "لا<e>"}],
    ),
    "arabicqa-2.1m": (
        "sft", [{"question": "أين؟", "answer": "هنا"}],
        [{"prompt": "أين؟", "completion": "هنا<e>"}],
    ),
    "darija-sft-mixture": (
        "sft", [{"dataset": "d", "id": "1", "messages": TALK}],
        [{"messages": [{"role": turn["role"], "content": turn["content"]} for turn in TALK]}],
    ),
}  # fmt: skip


def trained_on(source: str, method: str, **keys: Any) -> tuple[list[dict[str, Any]], list[str]]:
    section = DataSection(source=source, prompt_template="{prompt}", **keys)
    places, notes = find_places(section)
    chosen = METHODS[method]
    resolved, _ = chosen.resolve(section, places)
    rows = load_rows(resolved, places, lambda row: chosen.row(row, resolved, "<e>"))
    return rows.dataset.to_list(), notes


def test_every_known_set_has_its_look() -> None:
    assert list(LOOKS) == list(KNOWN)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", LOOKS)
def test_a_copy(name: str, suffix: str, tmp_path: Path) -> None:
    method, rows, expected = LOOKS[name]
    path = tmp_path / f"d.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    found, notes = trained_on(f"known:{name}={path}", method)
    assert found == expected
    assert notes == [f"known:{name} is hub:{KNOWN[name].hub}, licence: {KNOWN[name].licence}"]


@pytest.mark.parametrize("source", ["known:{name}", "hub:{hub}"])
@pytest.mark.parametrize("name", LOOKS)
def test_on_the_hub(name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, rows, expected = LOOKS[name]
    asked: list[tuple[Any, ...]] = []

    def read_hub(hub: str, section: DataSection) -> Any:
        asked.append((hub, section.config, section.split))
        return datasets.Dataset.from_list(rows)

    monkeypatch.setattr(reading, "read_hub", read_hub)
    one = KNOWN[name]
    assert trained_on(source.format(name=name, hub=one.hub), method)[0] == expected
    assert set(asked) == {(one.hub, one.config, one.split)}


def test_columns_that_a_card_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(json.dumps({"soal": "أين؟", "answer": "هنا"}), encoding="utf-8")
    says = re.escape("has no column 'question' or 'instruction' or 'prompt', which its card named.")
    with pytest.raises(UsageError, match=rf"{says} .*Write hub:riotu-lab/ArabicQA_2.1M and the f"):
        trained_on(f"known:arabicqa-2.1m={path}", "sft")


def test_names_that_are_not_known() -> None:
    with pytest.raises(UsageError, match=r"'known:cidr' is no known set\. Did you mean 'cidar'"):
        trained_on("known:cidr", "sft")
