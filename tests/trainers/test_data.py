"""Training data of every kind becomes the same rows, and nothing is lost in silence."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[train]")
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from arabench.errors import DataError, UsageError  # noqa: E402
from arabench.trainers.data import shapes  # noqa: E402
from arabench.trainers.data.rows import Rows, load_rows  # noqa: E402
from arabench.trainers.data.sources import find_places, places_sha256  # noqa: E402
from arabench.trainers.methods.table import METHODS  # noqa: E402
from arabench.trainers.recipe import DataSection  # noqa: E402

END = "<end>"
TEXTS = ["مرحبا {prompt} {0}", "كيف حالك"]
PAIRS = [{"q": "ما معنى {x}؟ {prompt}", "a": "لا {شيء}"}, {"q": "", "a": "نعم"}]


def rows_of(source: str | Path | list[str], **keys: Any) -> Rows:
    section = DataSection(source=source if isinstance(source, list) else str(source), **keys)
    places, _ = find_places(section)
    resolved, _ = shapes.resolve(section, places)
    return load_rows(resolved, places, lambda row: METHODS["sft"].row(row, resolved, END))


def digest_of(*sources: str | Path) -> str | None:
    return places_sha256(find_places(DataSection(source=[str(s) for s in sources]))[0])


def write_jsonl(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_text_source(kind: str, folder: Path) -> str:
    table = [{"text": text, "other": 1} for text in TEXTS]
    if kind == "txt":
        (folder / "t.txt").write_text("\n".join(TEXTS), encoding="utf-8")
        return str(folder / "t.txt")
    if kind == "jsonl":
        return str(write_jsonl(folder / "t.jsonl", table))
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(table), folder / "t.parquet")
        return str(folder / "t.parquet")
    data = datasets.Dataset.from_list(table)
    if kind == "folder":
        data.save_to_disk(folder / "saved")
    elif kind == "folder of splits":
        datasets.DatasetDict(train=data, test=data.select([0])).save_to_disk(folder / "saved")
    else:
        (folder / "saved").mkdir()
        write_jsonl(folder / "saved" / "train.jsonl", table)
        return f"hub:{folder / 'saved'}"
    return str(folder / "saved")


@pytest.mark.parametrize("kind", ["txt", "jsonl", "parquet", "folder", "folder of splits", "hub"])
def test_every_source_gives_the_same_rows(kind: str, tmp_path: Path) -> None:
    rows = rows_of(write_text_source(kind, tmp_path))
    assert rows.dataset.to_list() == [{"text": text + END} for text in TEXTS]
    assert (
        rows.sha256
        == rows_of(write_jsonl(tmp_path / "x.jsonl", [{"text": t} for t in TEXTS])).sha256
    )
    assert rows.skipped == 0


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_prompt_and_response_with_braces(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"p.{suffix}"
    if suffix == "jsonl":
        write_jsonl(path, PAIRS)
    else:
        pq.write_table(pa.Table.from_pylist(PAIRS), path)
    rows = rows_of(
        path, text_field=None, prompt_field="q", response_field="a", prompt_template="<{prompt}>"
    )
    assert rows.dataset.to_list() == [
        {"prompt": "<ما معنى {x}؟ {prompt}>", "completion": f"لا {{شيء}}{END}"},
        {"prompt": "<>", "completion": f"نعم{END}"},
    ]


def test_rows_without_text_are_counted(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [{"text": t} for t in ("a", "", None, " \n", "b")])
    rows = rows_of(path)
    assert (len(rows.dataset), rows.skipped) == (2, 3)
    assert (len(rows_of(path, max_samples=2).dataset), rows_of(path, max_samples=2).skipped) == (
        1,
        1,
    )
    assert len(rows_of(path, max_samples=99).dataset) == 2
    pairs = [{"q": "x", "a": " "}, {"a": "no prompt"}, {"q": "x", "a": "y"}, {"q": None, "a": "y"}]
    rows = rows_of(
        write_jsonl(tmp_path / "p.jsonl", pairs),
        text_field=None,
        prompt_field="q",
        response_field="a",
    )
    assert (len(rows.dataset), rows.skipped) == (1, 3)


def test_a_field_missing_in_the_first_row_only_is_no_wrong_field(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "p.jsonl", [{"a": "y"}, {"q": "x", "a": "y"}])
    assert rows_of(path, text_field=None, prompt_field="q", response_field="a").skipped == 1


def test_wrong_sources(tmp_path: Path) -> None:
    pair = {"text_field": None, "prompt_field": "q", "response_field": "a"}
    jsonl = write_jsonl(tmp_path / "t.jsonl", [{"text": "x", "a": "y"}])
    (tmp_path / "t.txt").write_text("x\n", encoding="utf-8")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "folder").mkdir()
    for source, keys, expected in (
        (jsonl, {"text_field": "txt"}, "Did you mean 'text'"),
        (jsonl, pair, "has no field 'q'"),
        (tmp_path / "t.txt", pair, "plain text and has no fields"),
        (tmp_path / "none.jsonl", {}, "does not exist"),
        (tmp_path / "folder", {}, "holds no file with one of the suffixes"),
        (tmp_path / "*.zip", {}, "nothing matches"),
        ("~nobody-of-this-name/x", {}, "Check the path"),
        ("hub:", {}, "names no data set"),
        (tmp_path / "t.doc", {}, "does not exist"),
        ("-", {}, "standard input"),
        ("hub:/nowhere/at/all", {}, "could not be loaded"),
    ):
        with pytest.raises(UsageError) as caught:
            rows_of(source, **keys)
        assert expected in str(caught.value)
        assert "--" not in str(caught.value)
    with pytest.raises(DataError, match=r"is empty"):
        rows_of(tmp_path / "empty.txt")


@pytest.mark.parametrize("host", ["closed", "silent"])
def test_a_hub_that_does_not_answer(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library alone asks for minutes."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        if host == "silent":
            place.listen()
        endpoint = f"http://127.0.0.1:{place.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        began = time.monotonic()
        with pytest.raises(UsageError, match=f"{endpoint} could not be reached .*no copy in"):
            rows_of("hub:org/name")
        assert time.monotonic() - began < 6
    assert constants.HF_HUB_OFFLINE is False


def test_wrong_field_of_a_folder(tmp_path: Path) -> None:
    source = write_text_source("folder", tmp_path)
    with pytest.raises(UsageError, match=r"no field 'txet'. Did you mean 'text'"):
        rows_of(source, text_field="txet")


def test_wrong_split(tmp_path: Path) -> None:
    source = write_text_source("folder of splits", tmp_path)
    assert len(rows_of(source, split="test").dataset) == 1
    with pytest.raises(UsageError, match=r"no split 'tets'. Did you mean 'test'"):
        rows_of(source, split="tets")


def test_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "x"}\n{"text": \n', encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.jsonl:2: .*normalize"):
        rows_of(path)
    write_jsonl(path, [{"q": "x", "a": "y"}, {"q": 5, "a": "y"}])
    with pytest.raises(DataError, match=r"row 2 of data .*'q' is int, not text"):
        rows_of(path, text_field=None, prompt_field="q", response_field="a")
    write_jsonl(path, [{"text": ""}, {"text": None}])
    with pytest.raises(DataError, match=r"no row with text in 'text': all 2 are empty"):
        rows_of(path)
    datasets.Dataset.from_list([{"text": 1}]).save_to_disk(tmp_path / "numbers")
    with pytest.raises(DataError, match=r"'text' is int, not text"):
        rows_of(tmp_path / "numbers")


@pytest.mark.parametrize("source", ["t.txt", ".", "*.txt", "t.txt.gz"])
def test_plain_text_has_no_other_field_than_text(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    import gzip

    (tmp_path / "t.txt").write_text("x\n", encoding="utf-8")
    with gzip.open(tmp_path / "t.txt.gz", "wt") as stream:
        stream.write("x\n")
    assert len(rows_of(source).dataset) == (2 if source == "." else 1)
    with pytest.raises(UsageError, match=r"is plain text and has no fields.*'body'.*to text, or"):
        rows_of(source, text_field="body")


def test_a_row_that_is_no_text_says_what_it_has_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "my rows.jsonl"
    for rows, keys, says in (
        ([{"body": "x"}, {"txt": "x", "n": 1}], {"text_field": "body"},
         f"{path}:2: no field 'body'. This row has the fields txt, n. "
         f"Run `arabench normalize '{path}' --field body -o OUTPUT`"),
        ([{"body": "x"}, {}], {"text_field": "body"}, "This row has no fields. Run"),
        ([{"text": "x"}, {"text": 5, "m": {"t": 1}}], {},
         f"{path}:2: field 'text' is int, not text. This row has the fields text, m, m.t. "),
        ([{"q": 5, "a": "y"}], {"text_field": None, "prompt_field": "q", "response_field": "a"},
         f"'q' is int, not text. Run `arabench normalize '{path}' --field q -o OUTPUT`"),
        ([{"q": "x", "a": "y"}, {"q": "x"}],
         {"text_field": None, "prompt_field": "q", "response_field": "a"},
         f"{path}:2: no field 'a'. This row has the fields q. Run"),
    ):  # fmt: skip
        write_jsonl(path, rows)
        with pytest.raises(DataError) as caught:
            rows_of(path, **keys)
        assert says in str(caught.value)
        assert caught.value.exit_code == 1
    path.write_text('{"text": "x"}\n[1]\n{"text": \n', encoding="utf-8")
    with pytest.raises(DataError, match=r":2: not a JSON object but list\. Run `arabench"):
        rows_of(path)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("claen/", "data 'claen/' does not exist: no such file or folder is here. Did you mean "
         "'clean'? "),
        ("d.json", "no such file or folder is here. Did you mean 'd.jsonl'? "),
        ("claen/d.jsonl", "Did you mean 'clean/d.jsonl'? "),
        ("clean/d.json", "Did you mean 'clean/d.jsonl'? "),
        ("claen/*.jsonl", "no folder 'claen' is here. Did you mean 'clean/*.jsonl'?"),
        ("other", "no such file or folder is here. Check data.source."),
        ("other/*.jsonl", "nothing matches 'other/*.jsonl'. Check the pattern"),
    ],
)  # fmt: skip
def test_a_mistyped_source_is_told_by_its_nearest(
    source: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean").mkdir()
    for name in ("d.jsonl", "clean/d.jsonl"):
        write_jsonl(tmp_path / name, [{"text": "x"}])
    with pytest.raises(UsageError) as caught:
        rows_of(source)
    assert says in str(caught.value)


class TestFolders:
    """Whatever `arabench` writes can be named, and what it sets aside is no data."""

    @staticmethod
    def text(number: int) -> str:
        return f"نص رقم {number} " * 2500

    @pytest.fixture(scope="class")
    def corpus(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A folder of shards, made by the command, with rows dropped and rejected."""
        from arabench.cli.main import main

        place = tmp_path_factory.mktemp("corpus")
        raw = place / "raw.jsonl"
        lines = [json.dumps({"text": self.text(number % 30)}) for number in range(60)]
        raw.write_text("\n".join([*lines, "{broken", ""]), encoding="utf-8")
        folder = place / "corpus"
        command = ["dedup", str(raw), "-o", f"{folder}/", "--shard-size", "1MB"]
        assert main(command) == 1  # a row was set aside
        return folder

    @pytest.mark.parametrize("form", ["{}", "{}/", "{}/*.jsonl", "{}/**/*.jsonl", "hub:{}"])
    def test_shards_without_what_was_set_aside(self, corpus: Path, form: str) -> None:
        names = {path.name for path in corpus.iterdir()}
        assert "part-00001.jsonl" in names, names
        assert any(name.endswith(".dropped.jsonl") for name in names), names
        assert any(name.endswith(".rejects.jsonl") for name in names), names
        rows = rows_of(form.format(corpus))
        assert rows.dataset["text"] == [self.text(number) + END for number in range(30)]
        assert rows.skipped == 0

    def test_compressed_shards_and_other_formats(self, tmp_path: Path) -> None:
        import gzip

        (tmp_path / "a").mkdir()
        with gzip.open(tmp_path / "a" / "2.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.write('{"text": "two"}\n')
        pq.write_table(pa.Table.from_pylist([{"text": "one"}]), tmp_path / "a" / "1.parquet")
        (tmp_path / "a" / "3.txt").touch()  # all rows of this file were dropped
        (tmp_path / "a" / "notes.doc").write_text("x")
        section = DataSection(source=str(tmp_path / "a"))
        places, notes = find_places(section)
        assert load_rows(section, places, dict).dataset["text"] == ["one", "two"]
        assert len(notes) == 1
        assert "unknown format were left out (1 x .doc)" in notes[0]

    def test_several_sources_are_read_in_order(self, tmp_path: Path) -> None:
        for name in ("b", "a", "c"):
            (tmp_path / f"{name}.txt").write_text(f"{name}\n", encoding="utf-8")
        saved = write_text_source("folder", tmp_path)
        sources = [str(tmp_path / "c.txt"), f"{tmp_path}/[ab].txt", saved]
        expected = ["c", "a", "b", *TEXTS]
        assert rows_of(sources).dataset["text"] == [text + END for text in expected]
        assert len(rows_of(sources, max_samples=2).dataset) == 2

    def test_only_empty_files(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "1.txt").touch()
        with pytest.raises(DataError, match="holds only empty files"):
            rows_of(tmp_path / "a")

    def test_a_broken_row_names_its_file(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        write_jsonl(tmp_path / "a" / "1.jsonl", [{"text": "x"}])
        write_jsonl(tmp_path / "a" / "2.jsonl", [{"text": "x"}, {"text": 5}])
        with pytest.raises(DataError, match=r"2\.jsonl.*(int|not text)"):
            rows_of(tmp_path / "a")
        write_jsonl(tmp_path / "a" / "2.jsonl", [{"txt": "x"}])
        with pytest.raises(UsageError, match=r"2\.jsonl.*'text'"):
            rows_of(tmp_path / "a")

    def test_digest_covers_every_file_and_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        one, two = tmp_path / "a" / "1.txt", tmp_path / "a" / "2.txt"
        one.write_text("x")
        two.write_text("y")
        seen = {digest_of(tmp_path / "a"), digest_of(one), digest_of(two), digest_of(one, two)}
        assert len(seen) == 4
        (tmp_path / "a" / "1.txt.rejects.jsonl").write_text("{}")  # not read, so not part of it
        assert digest_of(tmp_path / "a") in seen
        two.write_text("z")
        seen.add(digest_of(tmp_path / "a"))
        two.rename(tmp_path / "a" / "3.txt")
        seen.add(digest_of(tmp_path / "a"))
        assert len(seen) == 6
        assert digest_of("hub:org/name") is None
