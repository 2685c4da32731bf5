"""Reading evaluations: what is read, and that nothing damaged or foreign is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arabench.errors import ArabenchError, DataError, UsageError
from arabench.evaluation.runner.results import load_evaluation
from tests.gate.synthetic import STAMP, Task, lm_task, samples_file, write

TASK = "arabench_lm_egy"


def simple(folder: Path, **changes: Any) -> Path:
    return write(folder, [lm_task("egy", [10, 20, 30], [5, 5, 5], **changes)], model="modèle")


def results_file(folder: Path) -> Path:
    return folder / f"results_{STAMP}.json"


def change(folder: Path, **keys: Any) -> None:
    content = json.loads(results_file(folder).read_text(encoding="utf-8"))
    results_file(folder).write_text(json.dumps({**content, **keys}), encoding="utf-8")


def test_read(tmp_path: Path) -> None:
    rows = [("b", (3, 4)), ("a", (1, 2)), ("b", (10, 20))]
    task = Task("t", {"f1": rows}, shots=3, generation={"max_gen_toks": 8, "until": ["\n"]})
    evaluation = load_evaluation(write(tmp_path, [task], model="نموذج"))
    read = evaluation.tasks["t"]
    assert evaluation.model == "نموذج"
    assert evaluation.path == results_file(tmp_path)
    assert (read.name, read.variety, read.version, read.samples) == ("t", None, "1.0", 3)
    assert json.loads(read.settings) == {
        "num_fewshot": 3,
        "generation": {"max_gen_toks": 8, "until": ["\n"]},
        "description": "",
    }
    assert read.scores["f1"].items == ("a", "b")
    assert np.array_equal(read.scores["f1"].sums, [[1, 2], [13, 24]])


def test_folder_subfolder_and_file_are_the_same(tmp_path: Path) -> None:
    folder = simple(tmp_path / "out" / "__model__")
    read = [load_evaluation(path) for path in (folder, folder.parent, results_file(folder))]
    assert read[0].path == read[1].path == read[2].path
    assert read[0].tasks[TASK].data_hash == read[1].tasks[TASK].data_hash


def test_file_named_by_output_path_of_lm_eval(tmp_path: Path) -> None:
    # `lm_eval --output_path my_run.json` writes my_run_STAMP.json.
    file = results_file(simple(tmp_path)).rename(tmp_path / f"my_run_{STAMP}.json")
    assert load_evaluation(file).tasks[TASK].samples == 3


def test_results_of_two_runs_are_not_guessed_between(tmp_path: Path) -> None:
    write(tmp_path, [lm_task("egy", [1, 2], [1, 1])], stamp="2026-11-22T00-00-00.000001")
    write(tmp_path, [lm_task("egy", [1, 2, 3], [1, 1, 1])], stamp="2026-11-21T23-59-59.999999")
    newest = "results_2026-11-22T00-00-00.000001.json"
    with pytest.raises(UsageError, match=rf"holds 2 runs.*newest is {newest}"):
        load_evaluation(tmp_path)
    assert load_evaluation(tmp_path / newest).tasks[TASK].samples == 2


def test_results_of_two_models_are_not_guessed_between(tmp_path: Path) -> None:
    for name in ("base", "mine"):
        simple(tmp_path / name)
    with pytest.raises(UsageError, match=r"several models: .*base, .*mine\. Name one"):
        load_evaluation(tmp_path)


def test_tasks_of_others_are_left_out(tmp_path: Path) -> None:
    foreign = {"task": "hellaswag", "metadata": {"version": 1.0}}
    simple(tmp_path)
    content = json.loads(results_file(tmp_path).read_text(encoding="utf-8"))
    change(tmp_path, configs={"hellaswag": foreign, "old": {"task": "old"}, **content["configs"]})
    assert list(load_evaluation(tmp_path).tasks) == [TASK]
    change(tmp_path, configs={"hellaswag": foreign})
    with pytest.raises(UsageError, match=r"no arabench task \(it has hellaswag\)"):
        load_evaluation(tmp_path)


def test_rows_of_several_filters_count_once(tmp_path: Path) -> None:
    simple(tmp_path)
    file = samples_file(tmp_path, TASK)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows += [{**row, "filter": "other"} for row in rows]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    task = load_evaluation(tmp_path).tasks[TASK]
    assert task.samples == 3
    assert task.scores["bits_per_char"].sums.sum() == 75
    file.write_text("\n".join(map(json.dumps, [*rows, rows[0]])), encoding="utf-8")
    with pytest.raises(DataError, match="repeats document 0"):
        load_evaluation(tmp_path)


def test_hash_follows_documents_and_prompts_not_their_order(tmp_path: Path) -> None:
    hashes = set()
    for name, row in (("a", {}), ("b", {"doc_hash": "x"}), ("c", {"prompt_hash": "x"})):
        folder = simple(tmp_path / name, row=row)
        hashes.add(load_evaluation(folder).tasks[TASK].data_hash)
        file = samples_file(folder, TASK)
        file.write_text("\n".join(reversed(file.read_text(encoding="utf-8").splitlines())))
        hashes.add(load_evaluation(folder).tasks[TASK].data_hash)
    assert len(hashes) == 3


def test_model_without_a_name_and_with_a_broken_one(tmp_path: Path) -> None:
    folder = simple(tmp_path / "folder")
    change(folder, model_name=None)
    assert load_evaluation(folder).model == "folder"
    change(folder, model_name="x\ud800")
    load_evaluation(folder).model.encode("utf-8")


# --- refusals ------------------------------------------------------------------------------------


def test_no_such_place(tmp_path: Path) -> None:
    for path in (tmp_path / "none", Path("x\0y")):
        with pytest.raises(UsageError, match="does not exist"):
            load_evaluation(path)
    with pytest.raises(UsageError, match=r"holds no results\*\.json.*--output_path"):
        load_evaluation(tmp_path)
    (tmp_path / "results_x.json").mkdir()
    with pytest.raises(UsageError, match="holds no results"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"not JSON", b"[1]", b"null", b"7", b"\xff\xfe\x00", b'{"configs": {}', b"[" * 100_000,
     b"{}", b'{"configs": []}', b'{"configs": "x"}', b'{"configs": {"t": 1}}',
     b'{"configs": {"t": {"metadata": "signatures"}}}',
     b'{"configs": {"t": {"metadata": {"signatures": [1]}}}}', b'{"configs": {}}'],
)  # fmt: skip
def test_results_that_are_none(tmp_path: Path, content: bytes) -> None:
    results_file(tmp_path).write_bytes(content)
    with pytest.raises(ArabenchError, match=r"results_|samples"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize(
    "config",
    [{"dataset_kwargs": ["egy"]}, {"dataset_kwargs": {"variety": ["egy"]}}, {"metadata": [1]},
     {"metadata": {"signatures": "bits_per_char"}}],
)  # fmt: skip
def test_configurations_of_another_shape(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=TASK):
        load_evaluation(simple(tmp_path, config=config))


def test_shots_of_another_shape(tmp_path: Path) -> None:
    simple(tmp_path)
    change(tmp_path, **{"n-shot": [0]})
    with pytest.raises(DataError, match="JSON object"):
        load_evaluation(tmp_path)


def test_samples_must_be_there(tmp_path: Path) -> None:
    samples_file(simple(tmp_path), TASK).unlink()
    with pytest.raises(UsageError, match=r"no samples of task 'arabench_lm_egy'.*--log_samples"):
        load_evaluation(tmp_path)
    samples_file(tmp_path, TASK).mkdir()
    with pytest.raises(UsageError, match="no samples"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", "x\0", "y" * 5000, "\ud800"])
def test_task_names_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    config = lm_task("egy", [1], [1]).metadata()
    results_file(tmp_path).write_text(json.dumps({"configs": {name: {"metadata": config}}}))
    with pytest.raises(UsageError, match="no samples"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: text.replace('"doc_id": 1', '"doc": 1'),
        lambda text: text.replace('"doc_id": 1', '"doc_id": [1]'),
        lambda text: text.replace('"prompt_hash"', '"prompt"'),
        lambda text: text + "garbage\n",
        lambda text: text + "[1, 2]\n",
        lambda text: text + "3\n",
        lambda text: text + "null\n",
        lambda text: text + '"text"\n',
        lambda text: text + "[" * 100_000,
        lambda text: text + "\n\n",
        lambda text: text.replace('"bits_per_char": {', '"bits": {', 1),
    ],
)
def test_damaged_samples(tmp_path: Path, damage: Any) -> None:
    file = samples_file(simple(tmp_path), TASK)
    file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DataError, match=r"samples_arabench_lm_egy.*Evaluate again"):
        load_evaluation(tmp_path)


def test_samples_that_are_no_text(tmp_path: Path) -> None:
    file = samples_file(simple(tmp_path), TASK)
    file.write_bytes(file.read_bytes() + b"\xff\xfe\xfa")
    with pytest.raises(DataError, match="damaged"):
        load_evaluation(tmp_path)


@pytest.mark.parametrize(
    "value",
    ["x", 3, None, [1, 2], {}, {"item": "a"}, {"item": "a", "sums": None},
     {"item": "a", "sums": {"0": 1}}, {"item": "a", "sums": []}, {"item": "a", "sums": [1]},
     {"item": "a", "sums": [1, 2, 3]}, {"item": "a", "sums": ["1", "2"]},
     {"item": "a", "sums": [[1], [2]]}, {"item": "a", "sums": [True, 1]},
     {"item": "a", "sums": [None, 1]}, {"item": "a", "sums": [float("nan"), 1]},
     {"item": "a", "sums": [float("inf"), 1]}, {"item": "a", "sums": [1e300, 1]},
     {"item": "a", "sums": [10**400, 1]}, {"item": "a", "sums": [-5, 1]},
     {"sums": [1, 2]}, {"item": None, "sums": [1, 2]}, {"item": ["a"], "sums": [1, 2]}],
)  # fmt: skip
def test_values_no_task_of_ours_writes(tmp_path: Path, value: Any) -> None:
    with pytest.raises(DataError, match=r"jsonl:1: bits_per_char"):
        load_evaluation(simple(tmp_path, row={"bits_per_char": value}))


def test_rounding_below_zero_is_allowed(tmp_path: Path) -> None:
    row = {"bits_per_char": {"item": "a", "sums": [-1e-7, 5]}}
    assert load_evaluation(simple(tmp_path, row=row)).tasks[TASK].samples == 3


def test_metrics_of_other_versions_are_left_out(tmp_path: Path) -> None:
    folder = simple(tmp_path, signatures={"later_metric": "later"}, row={"later_metric": "?"})
    task = load_evaluation(folder).tasks[TASK]
    assert list(task.scores) == ["bits_per_char"]
    assert task.signatures["later_metric"] == "later"


# --- records that were taken away or changed -----------------------------------------------------


def recorded(folder: Path, **changes: Any) -> Path:
    """A folder as tasks of version 2 write it."""
    run = {"settings": {"dtype": "float32"}, "notes": []}
    task = lm_task("egy", [9, 8, 7], [3, 3, 3], version=2.0)
    task.config["metadata"] = {**task.metadata(), "arabench_run": run}
    write(folder, [task])
    file = samples_file(folder, TASK)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows[0].update(changes)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_settings_are_read(tmp_path: Path) -> None:
    assert load_evaluation(recorded(tmp_path)).settings == {"dtype": "float32"}


@pytest.mark.parametrize("run", [None, {}, {"settings": {}}, {"settings": None}])
def test_a_run_without_its_settings_is_refused(run: Any, tmp_path: Path) -> None:
    task = lm_task("egy", [9, 8, 7], [3, 3, 3], version=2.0)
    task.config["metadata"] = {**task.metadata(), "arabench_run": run}
    with pytest.raises(DataError, match="does not say what the model was set to"):
        load_evaluation(write(tmp_path, [task]))


def test_a_sample_without_its_request_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not hold the text that was scored"):
        load_evaluation(recorded(tmp_path, arguments=None))


@pytest.mark.parametrize("arguments", [[["another text"]], {"gen_args_0": {"arg_0": "another"}}])
def test_a_request_of_another_text_is_refused(arguments: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the document's"):
        load_evaluation(recorded(tmp_path, arguments=arguments))


def test_one_text_has_one_number_of_bits(tmp_path: Path) -> None:
    values = {
        "bits_per_char": [("a", (9.0, 3.0)), ("b", (8.0, 3.0))],
        "bits_per_byte": [("a", (9.0, 6.0)), ("b", (4.0, 6.0))],
    }
    task = Task(TASK, values, variety="egy")
    with pytest.raises(DataError, match=r":2: one text has several numbers of bits"):
        load_evaluation(write(tmp_path, [task]))


def test_surrogates_in_hashes_are_hashed(tmp_path: Path) -> None:
    assert load_evaluation(recorded(tmp_path, doc_hash="\ud800")).tasks[TASK].samples == 3
