"""Sources with weights: shares as they are written, no row twice, the same rows for a seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

datasets = pytest.importorskip("datasets", reason="needs the extra arabench[train]")

from arabench.errors import UsageError  # noqa: E402
from arabench.trainers.data.rows import Rows, load_rows  # noqa: E402
from arabench.trainers.data.sources import find_places  # noqa: E402
from arabench.trainers.recipe import DataSection, dump_recipe, load_recipe  # noqa: E402


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Three files, the last in two shards."""
    (tmp_path / "c").mkdir()
    for name, count in (("a.txt", 1000), ("b.txt", 90), ("c/1.txt", 40), ("c/2.txt", 60)):
        lines = [f"{name} {n}" for n in range(count)]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    return {"a": tmp_path / "a.txt", "b": tmp_path / "b.txt", "c": tmp_path / "c"}


def drawn(mix: list[tuple[Path, float]], seed: int = 0, **keys: Any) -> Rows:
    listed = [{"source": str(path), "weight": weight} for path, weight in mix]
    section = DataSection(source=listed, text_field="text", **keys)
    return load_rows(section, find_places(section)[0], dict, keys.pop("file", None), seed)


def counts(rows: Rows) -> dict[str, int]:
    texts = rows.dataset["text"][:]
    assert len(set(texts)) == len(texts)
    return dict(Counter(text[0] for text in texts))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((0.7, 0.3), {"a": 210, "b": 90}),
        ((7, 3), {"a": 210, "b": 90}),
        ((1, 9), {"a": 10, "b": 90}),
        ((0.99, 0.01), {"a": 1000, "b": 10}),
    ],
)
def test_shares_are_those_of_the_weights(
    weights: tuple[float, float], expected: dict[str, int], sources: dict[str, Path]
) -> None:
    rows = drawn([(sources["a"], weights[0]), (sources["b"], weights[1])])
    assert counts(rows) == expected
    total = sum(expected.values())
    assert rows.said == (
        f"mixture: {expected['a']:,} of 1,000 rows of {sources['a']} "
        f"({expected['a'] / total:.1%}), "
        f"{expected['b']} of 90 rows of {sources['b']} ({expected['b'] / total:.1%})",
    )


def test_a_folder_is_one_source_and_the_seed_decides(sources: dict[str, Path]) -> None:
    mix = [(sources["c"], 0.5), (sources["b"], 0.5)]
    rows = drawn(mix, seed=1)
    assert counts(rows) == {"c": 90, "b": 90}
    assert drawn(mix, seed=1).dataset.to_list() == rows.dataset.to_list()
    assert drawn(mix, seed=2).dataset.to_list() != rows.dataset.to_list()
    both = [text for text in rows.dataset["text"] if text.startswith("c/1")]
    assert 25 <= len(both) < 40  # of each shard as many as chance has it


def test_rows_in_all_and_held_out_ones(sources: dict[str, Path]) -> None:
    mix = [(sources["a"], 0.8), (sources["b"], 0.2)]
    assert counts(drawn(mix, max_samples=50)) == {"a": 40, "b": 10}
    rows = drawn(mix, validation=0.2)
    assert rows.held_out is not None
    assert not set(rows.held_out["text"]) & set(rows.dataset["text"])
    share = counts(rows)
    assert share["a"] == 4 * share["b"]


def test_files_hold_what_memory_does(sources: dict[str, Path], tmp_path: Path) -> None:
    listed = [{"source": str(sources[name]), "weight": 1} for name in "ab"]
    section = DataSection(source=listed, text_field="text")
    places, _ = find_places(section)
    mapped = load_rows(section, places, dict, tmp_path / "made" / "rows")
    assert mapped.dataset.to_list() == load_rows(section, places, dict).dataset.to_list()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["rows"]


def test_a_share_of_no_row(sources: dict[str, Path], tmp_path: Path) -> None:
    empty = tmp_path / "e.txt"
    empty.write_text("\n \n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"of source '.*b\.txt' \(90 rows\) the mixture would h"):
        drawn([(sources["a"], 1.0), (sources["b"], 1e-6)])
    section = DataSection(
        source=[{"source": str(sources["a"]), "weight": 1}, {"source": str(empty), "weight": 1}],
        text_field="text",
    )

    def row_of(row: Any) -> Any:
        return dict(row) if row["text"].strip() else None

    with pytest.raises(UsageError, match=r"e\.txt' \(0 rows\) .*0 rows can be drawn"):
        load_rows(section, find_places(section)[0], row_of)


def test_in_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    text = "output_dir: o\nbase: {name: b}\ndata: {source: [{source: a, weight: 7e-1}, %s]}\n"
    file.write_text(text % "{source: b, weight: 0.3}", encoding="utf-8")
    recipe = load_recipe(file)
    assert (recipe.data.sources, recipe.data.weights) == (("a", "b"), (0.7, 0.3))
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(file) == recipe
    for other, says in (
        ("b", "give all sources a weight"),
        ("{source: b}", "weight"),
        ("{source: b, weight: 0}", "greater than 0"),
        ("{source: b, wieght: 1}", "wieght"),
    ):
        file.write_text(text % other, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            load_recipe(file)
        assert says in str(caught.value), says
