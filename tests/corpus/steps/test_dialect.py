"""Varieties as fields of rows, as a filter, and beside another step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.audit.dialects import DialectMix
from arabench.audit.run import AuditOptions, audit_files
from arabench.corpus.io_options import IoOptions
from arabench.corpus.steps.dialect.fields import DialectOptions
from arabench.corpus.steps.dialect.labels import DialectStep, dialect_files
from arabench.corpus.steps.dialect.tags import TagDialectStep, tag_files
from arabench.corpus.steps.filters.filter_options import FilterOptions, options_from
from arabench.corpus.steps.filters.verdicts import FilterStep
from arabench.corpus.steps.normalize import NormalizeStep
from arabench.dialect import camel
from arabench.dialect.identification import Identifier
from arabench.errors import UsageError
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from as normalization
from tests.dialect.toy_model import hand_made, random_model
from tests.strategies import web_text

IDENTIFIER = Identifier(hand_made())
TEXTS = ("عايز كده دلوقتي", "شو بدي هلق", "hello", "كتاب جديد هنا", "")
VARIETIES = ["egy", "lev", "unknown", "unknown", "unknown"]


def _step(**options: Any) -> DialectStep:
    return DialectStep(DialectOptions(**options), IDENTIFIER)


def _rows(*texts: str | None) -> list[dict[str, Any]]:
    return [{"id": place, "text": text} for place, text in enumerate(texts)]


def test_rows_get_variety_probabilities_and_reason_and_keep_their_fields() -> None:
    processed = _step()(_rows(*TEXTS))
    assert [row["variety"] for row in processed.rows] == VARIETIES
    assert [row["reason"] for row in processed.rows] == [
        "",
        "",
        "no_arabic",
        "ambiguous",
        "no_arabic",
    ]
    assert [list(row) for row in processed.rows] == [
        ["id", "text", "variety", "probs", "reason"]
    ] * 5
    assert [row["text"] for row in processed.rows] == list(TEXTS)
    assert processed.changed == 0
    assert processed.dropped == []


def test_a_null_text_has_null_in_every_added_field() -> None:
    (row,) = _step(dialectness=True, explain=2, sentences=True)(_rows(None)).rows
    assert row == {
        "id": 0, "text": None, "variety": None, "probs": None, "reason": None,
        "dialectness": None, "evidence": None, "sentences": None,
    }  # fmt: skip


def test_each_option_adds_its_field() -> None:
    (row,) = _step(dialectness=True, explain=1, sentences=True)(
        _rows("عايز كده دلوقتي. شو بدي هلق؟")
    ).rows
    assert row["dialectness"] == pytest.approx(1 - row["probs"]["msa"], abs=1e-6)
    assert row["evidence"] == [] or row["evidence"][0]["weight"] > 0
    assert [part["variety"] for part in row["sentences"]] == ["egy", "lev"]
    assert [row["text"][part["start"] : part["end"]] for part in row["sentences"]] == [
        "عايز كده دلوقتي.",
        "شو بدي هلق؟",
    ]


def test_other_names_for_the_fields() -> None:
    rows = [{"text": "شو بدي هلق", "variety": "mine", "probs": 1}]
    (row,) = _step(variety_field="label")(rows).rows
    assert list(row) == ["text", "variety", "probs", "label", "label_probs", "label_reason"]
    assert (row["variety"], row["label"]) == ("mine", "lev")


@pytest.mark.parametrize("name", ["variety", "probs", "reason"])
def test_a_field_that_would_be_overwritten_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"a field '{name}' already.*--variety-field"):
        _step()([{"text": "شو", name: 1}])
    with pytest.raises(UsageError, match="already"):
        _step().output_schema(pa.schema([("text", pa.string()), (name, pa.string())]))


@given(st.lists(st.none() | web_text, max_size=5))
@settings(max_examples=60, deadline=None)
def test_rounded_probabilities_sum_to_one_and_rows_fit_the_schema(texts: list[str | None]) -> None:
    step = DialectStep(
        DialectOptions(dialectness=True, explain=2, sentences=True), Identifier(random_model())
    )
    rows = step(_rows(*texts)).rows
    for row in rows:
        if row["text"] is not None:
            assert abs(sum(row["probs"].values()) - 1) < 1e-9
            assert min(row["probs"].values()) >= 0
    schema = step.output_schema(pa.schema([("id", pa.int64()), ("text", pa.string())]))
    storable = [row for row in rows if "\ud800" not in (row["text"] or "")]
    assert pa.Table.from_pylist(storable, schema=schema).to_pylist() == storable


def test_impossible_options_are_refused() -> None:
    with pytest.raises(UsageError, match="negative"):
        DialectOptions(explain=-1)
    with pytest.raises(UsageError, match="needs a name"):
        DialectOptions(variety_field="")


def test_signatures_name_model_policy_and_fields() -> None:
    assert _step().signature == f"{IDENTIFIER.signature}|fields:variety,probs,reason"
    assert len({_step().signature, _step(explain=1).signature, _step(explain=2).signature}) == 3


def test_finer_labels_come_from_camel_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    made = camel.label_of({"BEI": 0.6, "DAM": 0.1, "CAI": 0.3})
    monkeypatch.setattr(
        camel, "finer_labels", lambda texts, model: [made if text else None for text in texts]
    )
    step = _step(finer="did26")
    rows = step(_rows("شو بدي هلق", "", None)).rows
    assert rows[0]["finer"] == {
        "label": "BEI", "country": "Lebanon", "variety": "lev", "prob": 0.6,
    }  # fmt: skip
    assert [row["finer"] for row in rows[1:]] == [None, None]
    schema = step.output_schema(pa.schema([("id", pa.int64()), ("text", pa.string())]))
    assert pa.Table.from_pylist(rows, schema=schema).to_pylist() == rows


def test_a_finer_model_that_is_not_there_is_said_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "in.txt").write_text("شو", encoding="utf-8")
    with pytest.raises(UsageError, match="did26"):
        dialect_files(
            [str(tmp_path / "in.txt")], str(tmp_path / "o.jsonl"), DialectOptions(finer="did_26"),
            identifier=IDENTIFIER,
        )  # fmt: skip
    assert not (tmp_path / "o.jsonl").exists()


# --- files --------------------------------------------------------------------------------


def _read(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(
        b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in _rows(*TEXTS, None))
    )
    return path


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "csv", "parquet", "arrow"])
def test_every_format_gets_the_fields(corpus: Path, suffix: str) -> None:
    first, again = corpus.with_name(f"out.{suffix}"), corpus.with_name("again.jsonl")
    summary, _ = dialect_files([str(corpus)], str(first), identifier=IDENTIFIER)
    assert (summary.rows, summary.written, summary.null) == (6, 6, 1)
    dialect_files([str(first)], str(again), DialectOptions("second"), identifier=IDENTIFIER)
    rows = _read(again)
    assert [row["variety"] for row in rows][:5] == VARIETIES
    assert [row["second"] for row in rows][:5] == VARIETIES


def test_parquet_to_parquet_keeps_other_columns_and_types(tmp_path: Path) -> None:
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    table = pa.table({"n": pa.array([1, 2], pa.int16()), "text": ["شو بدي هلق", None]})
    pq.write_table(table, source)
    options = DialectOptions(dialectness=True, explain=3, sentences=True)
    dialect_files([str(source)], str(target), options, identifier=IDENTIFIER)
    found = pq.read_table(target)
    assert found.schema.field("n").type == pa.int16()
    assert found.schema.field("variety").type == pa.string()
    assert found["variety"].to_pylist() == ["lev", None]
    assert found["evidence"].to_pylist()[1] is None


def test_a_target_of_plain_text_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("شو بدي\n", encoding="utf-8")
    for output in (tmp_path / "out.txt", tmp_path / "folder/"):
        with pytest.raises(UsageError, match="would be plain text"):
            dialect_files([str(source)], str(output), identifier=IDENTIFIER)
    assert [path.name for path in tmp_path.iterdir()] == ["in.txt"]
    with pytest.raises(UsageError, match="would be plain text"):
        tag_files([str(source)], str(tmp_path / "o.txt"), _normalize(), identifier=IDENTIFIER)


def test_workers_and_shards_give_the_same_rows(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("\n".join([*TEXTS] * 4000), encoding="utf-8")
    outputs = []
    for place, io in enumerate((IoOptions(), IoOptions(workers=3))):
        target = tmp_path / f"{place}.jsonl"
        dialect_files([str(source)], str(target), io=io, identifier=IDENTIFIER)
        outputs.append(target.read_bytes())
    assert outputs[0] == outputs[1]
    io = IoOptions(shard_bytes=1_000_000, output_format="jsonl")
    dialect_files([str(source)], str(tmp_path / "shards/"), io=io, identifier=IDENTIFIER)
    shards = sorted((tmp_path / "shards").glob("part-*.jsonl"))
    assert b"".join(shard.read_bytes() for shard in shards) == outputs[0]


# --- beside another step --------------------------------------------------------------------


def _normalize() -> NormalizeStep:
    return NormalizeStep(Normalizer(normalization("llm", {"scripts": "arabic"})))


def test_normalize_can_tag_the_text_that_came_in() -> None:
    step = TagDialectStep(_normalize(), IDENTIFIER)
    processed = step(_rows("عايــز  كده OK", None))
    assert processed.rows == [
        {"id": 0, "text": "عايز كده", "variety": "egy"},
        {"id": 1, "text": None, "variety": None},
    ]
    assert processed.changed == 1
    assert step.signature.startswith("normalize:")
    assert IDENTIFIER.signature in step.signature


def test_tagged_files_have_one_more_column(corpus: Path) -> None:
    target = corpus.with_name("tagged.parquet")
    summary, _ = tag_files([str(corpus)], str(target), _normalize(), identifier=IDENTIFIER)
    assert summary.written == 6
    table = pq.read_table(target)
    assert table.column_names == ["id", "text", "variety"]
    assert table["variety"].to_pylist() == [*VARIETIES, None]


# --- as a filter ------------------------------------------------------------------------------


def _filtered(**thresholds: Any) -> tuple[list[int], list[str]]:
    options = options_from("none", thresholds)
    processed = FilterStep(options, identifier=IDENTIFIER)(_rows(*TEXTS))
    return [row["id"] for row in processed.rows], [reason for _, reason in processed.dropped]


def test_a_filter_keeps_or_drops_varieties() -> None:
    kept, reasons = _filtered(keep_varieties="egy")
    assert kept == [0]
    assert reasons[0] == "variety: lev, one of egy"
    assert _filtered(keep_varieties="unknown, EGY")[0] == [0, 2, 3, 4]
    kept, reasons = _filtered(drop_varieties="lev,unknown")
    assert kept == [0]
    assert reasons[0] == "variety: lev, none of lev,unknown"


def test_a_filter_looks_at_probability_and_dialectness() -> None:
    kept, reasons = _filtered(min_variety_prob=0.9)
    assert kept == [0, 1]
    assert reasons[0] == "variety probability: 0.2, at least 0.9"
    kept, reasons = _filtered(min_dialectness=0.9)
    assert kept == [0, 1]
    assert reasons[0] == "dialectness: 0.8, at least 0.9"
    kept, reasons = _filtered(max_dialectness=0.9)
    assert kept == [2, 3, 4]
    assert reasons[0].startswith("dialectness: 1, at most 0.9")


def test_other_checks_come_first_and_null_rows_stay() -> None:
    options = FilterOptions(keep_varieties="lev")
    processed = FilterStep(options, identifier=IDENTIFIER)(_rows("شو", None, "شو بدي هلق"))
    assert [row["id"] for row in processed.rows] == [1, 2]
    assert [reason for _, reason in processed.dropped] == ["too few words: 1, at least 3"]


def test_a_filter_without_varieties_needs_no_model() -> None:
    assert not FilterOptions().wants_dialect
    assert "model" not in FilterStep(FilterOptions()).signature
    step = FilterStep(FilterOptions(min_variety_prob=0.5), identifier=IDENTIFIER)
    assert step.signature == f"filter:2|min_variety_prob:0.5|{IDENTIFIER.signature}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"keep_varieties": "egi"}, "Did you mean 'egy'"),
        ({"drop_varieties": 3}, "is not a text"),
        ({"keep_varieties": "egy", "drop_varieties": "lev"}, "exclude each other"),
        ({"min_variety_prob": 1.5}, "is not a share"),
        ({"min_dialectness": 0.8, "max_dialectness": 0.2}, "nothing would be kept"),
    ],
)
def test_impossible_thresholds_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FilterOptions(**values)


# --- in the audit -----------------------------------------------------------------------------


def test_the_audit_shows_the_mix(corpus: Path) -> None:
    report = audit_files(
        [str(corpus)], AuditOptions(sample=1), variety=DialectMix(Identifier(hand_made()))
    )
    found = {row["name"]: row["documents"] for row in report.data["varieties"]}
    assert found == {"Egyptian": 1, "Levantine": 1, "unknown": 1}
    mix = report.data["dialects"]
    assert mix["documents"] == 3
    assert sum(row["share"] for row in mix["expected"]) == pytest.approx(1, abs=1e-5)
    shares = {row["variety"]: row["share"] for row in mix["expected"]}
    assert shares["egy"] == shares["lev"] > shares["glf"]
    assert sum(row["documents"] for row in mix["dialectness"]) == 3
    assert {row["reason"]: row["documents"] for row in mix["unknown"]} == {
        "no_arabic": 0, "short": 0, "ambiguous": 1,
    }  # fmt: skip
    page = report.to_html()
    assert "Expected shares" in page
    assert "Dialectness" in page
