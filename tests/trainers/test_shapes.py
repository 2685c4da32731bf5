"""What a row is, told from the columns, and said; two readings of one file are refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[train]")
import pyarrow as pa  # noqa: E402
import pyarrow.feather as pf  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from arabench.errors import DataError, UsageError  # noqa: E402
from arabench.trainers.data import objects, shapes  # noqa: E402
from arabench.trainers.data.rows import Rows, load_rows  # noqa: E402
from arabench.trainers.data.sources import find_places, places_sha256  # noqa: E402
from arabench.trainers.methods.table import METHODS  # noqa: E402
from arabench.trainers.recipe import DataSection  # noqa: E402

TALK = [{"role": "user", "content": "من؟"}, {"role": "assistant", "content": "أنا"}]
SHARED = [{"from": "human", "value": "من؟"}, {"from": "gpt", "value": "أنا"}]
ALPACA = [
    {"instruction": "ترجم", "input": "book", "output": "كتاب"},
    {"instruction": "عد", "input": " ", "output": "واحد [1], {2}"},
]


def load(source: str | Path | list[str], **keys: Any) -> tuple[Rows, str]:
    section = DataSection(source=source if isinstance(source, list) else str(source), **keys)
    places, _ = find_places(section)
    resolved, note = shapes.resolve(section, places)
    return load_rows(resolved, places, lambda row: METHODS["sft"].row(row, resolved, "<e>")), note


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".feather":
        pf.write_feather(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    elif path.suffix == ".csv":
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet", "feather"])
@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ([{"messages": TALK, "id": 1}], "conversations ('messages')"),
        ([{"conversations": SHARED}], "conversations ('conversations')"),
    ],
)
def test_conversations(suffix: str, rows: list[dict[str, Any]], note: str, tmp_path: Path) -> None:

    found, said = load(write(tmp_path / f"d.{suffix}", rows))
    assert found.dataset.to_list() == [{"messages": TALK}]
    assert note in said


@pytest.mark.parametrize("suffix", ["jsonl", "json", "parquet"])
def test_alpaca(suffix: str, tmp_path: Path) -> None:
    found, said = load(write(tmp_path / f"d.{suffix}", ALPACA), prompt_template="{prompt}>")
    assert found.dataset.to_list() == [
        {"prompt": "ترجم\n\nbook>", "completion": "كتاب<e>"},
        {"prompt": "عد>", "completion": "واحد [1], {2}<e>"},
    ]
    assert "prompts and responses ('instruction', 'input', 'output')" in said
    found, _ = load(tmp_path / f"d.{suffix}", prompt_template="chat")
    assert found.dataset["messages"][0] == [
        {"role": "user", "content": "ترجم\n\nbook"}, {"role": "assistant", "content": "كتاب"},
    ]  # fmt: skip


@pytest.mark.parametrize(("prompt", "response"), shapes.PAIRS)
@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_pairs(suffix: str, prompt: str, response: str, tmp_path: Path) -> None:
    found, said = load(write(tmp_path / f"d.{suffix}", [{prompt: "من؟", response: "أنا"}]))
    assert found.dataset["completion"] == ["أنا<e>"]
    assert f"({prompt!r}, {response!r})" in said


def test_saved_sets_and_hubs(tmp_path: Path) -> None:
    datasets.Dataset.from_list([{"messages": TALK}]).save_to_disk(tmp_path / "saved")
    assert load(tmp_path / "saved")[0].dataset.to_list() == [{"messages": TALK}]
    (tmp_path / "hub").mkdir()
    write(tmp_path / "hub" / "train.parquet", [{"conversations": SHARED}])
    assert load(f"hub:{tmp_path / 'hub'}")[0].dataset.to_list() == [{"messages": TALK}]


def test_texts_are_nothing_to_speak_of(tmp_path: Path) -> None:
    assert load(write(tmp_path / "d.jsonl", [{"text": "نص", "id": 1}]))[1] == ""


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"messages": TALK, "text": "نص"},
         "conversations ('messages') and texts ('text'): which of them is meant is not told. "
         "Write data.messages_field: messages or data.text_field: text into the recipe"),
        ({"prompt": "a", "response": "b", "text": "c"}, "prompts and responses ('prompt', "),
        ({"messages": TALK, "conversations": SHARED}, "conversations ('conversations')"),
    ],
)  # fmt: skip
def test_two_readings_are_refused(row: dict[str, Any], says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", [row])
    with pytest.raises(UsageError) as caught:
        load(path)
    assert says in str(caught.value)
    if "messages" in row:
        assert load(path, messages_field="messages")[0].dataset.to_list() == [{"messages": TALK}]


def test_sources_of_several_kinds_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "a.jsonl", [{"text": "نص"}])
    other = write(tmp_path / "b.jsonl", ALPACA)
    with pytest.raises(UsageError, match=r"a\.jsonl' holds texts .*b\.jsonl' holds prompts and"):
        load([str(one), str(other)])


def test_conversations_that_are_none_name_their_row(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", [{"messages": TALK}, {"messages": [{"role": "tool"}]}])
    with pytest.raises(DataError, match=r"^row 2 of data '.*d\.jsonl': turn 1 is by 'tool'"):
        load(path)
    plain = tmp_path / "t.txt"
    plain.write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="plain text and holds no conversations"):
        load(plain, messages_field="messages")
    table = write(tmp_path / "d.csv", [{"messages": "x"}])
    with pytest.raises(DataError, match="holds text alone, and no conversations"):
        load(table, messages_field="messages")
    with pytest.raises(UsageError, match=r"no field 'massages'. Did you mean 'messages'"):
        load(path, messages_field="massages")


class TestArrays:
    """One array of objects in a .json file, read as a stream."""

    @pytest.mark.parametrize("chunk", [1, 2, 7, 1 << 20])
    def test_every_row_whatever_is_read_at_once(
        self, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(objects, "_CHUNK", chunk)
        rows = [*ALPACA, {"instruction": 'ا"]},{', "output": "ب" * 100, "n": 12.5}] * 3
        path = tmp_path / "d.json"
        for text in (
            json.dumps(rows),
            json.dumps(rows, indent=3),
            f"\ufeff \n{json.dumps(rows)}\n",
        ):
            path.write_text(text, encoding="utf-8")
            assert list(objects.read_objects(str(path))) == rows
        path.write_text(" [ ] ", encoding="utf-8")
        assert list(objects.read_objects(str(path))) == []

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('{"a": 1}', r"begins with '\{', not with '\['"),
            ('[{"a": 1} {"a": 2}]', "row 2 of its array .*neither ',' nor ']'"),
            ('[{"a": 1}, {"a": ', "row 2 of its array .*cut short"),
            ('[{"a": 1}', "row 2 of its array"),
            ('[{"a": 1},]', "row 2 of its array"),
            ('[{"a": 1}, 5]', r"d\.json, row 2: not a JSON object but int"),
            ("[", "row 1 of its array"),
        ],
    )
    def test_what_is_no_array_of_objects(self, text: str, says: str, tmp_path: Path) -> None:
        path = tmp_path / "d.json"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=says):
            list(objects.read_objects(str(path)))

    def test_memory_is_that_of_a_row(self, tmp_path: Path) -> None:
        import tracemalloc

        path = tmp_path / "d.json"
        row = json.dumps({"text": "x" * 1000})
        path.write_text("[" + ",\n".join([row] * 30_000) + "]", encoding="utf-8")
        tracemalloc.start()
        assert sum(1 for _ in objects.read_objects(str(path))) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 << 20

    def test_it_is_part_of_the_digest(self, tmp_path: Path) -> None:
        path = write(tmp_path / "d.json", ALPACA)
        digests = set()
        for row in ALPACA:
            write(path, [row])
            digests.add(places_sha256(find_places(DataSection(source=str(path)))[0]))
        assert len(digests - {None}) == 2


@pytest.mark.parametrize("name", ["d.jsonl", "d.json"])
def test_a_file_that_changes_while_it_is_read(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, [{"text": f"نص {n}"} for n in range(5)])
    section = DataSection(source=str(path), text_field="text")
    places, _ = find_places(section)

    def row_of(row: Any) -> Any:
        if row["text"].endswith("2"):
            with path.open("a", encoding="utf-8") as stream:
                stream.write("\n")
            time.sleep(0.01)
        return dict(row)

    with pytest.raises(DataError, match=rf"{name}' changed while it was read"):
        load_rows(section, places, row_of)
    write(path, [{"text": "نص"}])
    assert len(load_rows(section, places, dict).dataset) == 1
