"""A new training method is one file and one line of the table; former names go on working."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for package in ("torch", "trl", "peft", "bitsandbytes"):
    pytest.importorskip(package, reason="needs the extra arabench[train]")

from arabench.errors import UsageError  # noqa: E402
from arabench.trainers import recipe as recipes  # noqa: E402
from arabench.trainers import sft  # noqa: E402
from arabench.trainers.methods.method import Method  # noqa: E402
from arabench.trainers.methods.sft import SupervisedFineTuning  # noqa: E402
from arabench.trainers.methods.table import METHODS  # noqa: E402
from arabench.trainers.monitors.losses import read_losses  # noqa: E402
from arabench.trainers.recipe import (  # noqa: E402
    DataSection,
    dump_recipe,
    load_recipe,
)
from arabench.trainers.run import outcome, trainer, training  # noqa: E402
from tests.trainers.conftest import SENTENCE, MakeRecipe  # noqa: E402

SCALE = 3.0


class Scaled(Method):
    """The loss of rows without an end of text, three times: a whole file of its own."""

    def trainer_class(self, recipe: recipes.Recipe) -> Any:
        from trl import SFTTrainer

        class ScaledTrainer(SFTTrainer):  # type: ignore[misc]
            def compute_loss(self, *arguments: Any, **named: Any) -> Any:
                loss = super().compute_loss(*arguments, **named)
                if isinstance(loss, tuple):
                    return (SCALE * loss[0], *loss[1:])
                return SCALE * loss

        return ScaledTrainer


def test_a_new_method_is_one_file_and_one_line(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = {"max_steps": 3, "warmup_steps": 0}
    plain = make_recipe(training=short, quantization={"bits": 16})
    file = tmp_path / "r.yaml"
    file.write_text(
        dump_recipe(plain).replace("method: sft", "method: scaled").replace("/run", "/scaled"),
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=r"method: Input should be 'sft', .*, not 'scaled'\.$"):
        load_recipe(file)
    monkeypatch.setitem(METHODS, "scaled", Scaled())
    with pytest.raises(UsageError, match=r"should be 'sft', .* or 'scaled', not 'sacled'\.$"):
        load_recipe(file, {"method": "sacled"})
    scaled = load_recipe(file)
    assert scaled.fingerprint != plain.fingerprint
    assert training.train(scaled).learned
    training.train(plain)

    def first_loss(recipe: recipes.Recipe) -> float:
        return float(read_losses(Path(recipe.output_dir) / "losses.jsonl")[0]["loss"])

    ratio = first_loss(scaled) / first_loss(plain)
    # Its rows lack the end of text, so that the first losses differ by more than the factor.
    assert ratio == pytest.approx(SCALE, rel=0.1)
    assert ratio != pytest.approx(SCALE, rel=1e-6)
    run = json.loads((tmp_path / "scaled" / "run.json").read_text(encoding="utf-8"))
    assert run["recipe_sha256"] == scaled.fingerprint
    assert (tmp_path / "scaled" / "recipe.yaml").read_text(encoding="utf-8").count("scaled") == 2


def test_a_method_adds_settings_and_replaces_those_of_all(
    make_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Decaying(Method):
        def settings(self, recipe: recipes.Recipe) -> dict[str, Any]:
            return {"weight_decay": 0.5, "max_length": recipe.training.max_length}

    monkeypatch.setitem(METHODS, "decaying", Decaying())
    recipe = make_recipe(method="decaying")
    made = trainer.arguments(recipe, "cpu", "float32", tmp_path, 6)
    assert (made.weight_decay, made.max_length, made.max_steps) == (0.5, 64, 6)
    plain = trainer.arguments(make_recipe(), "cpu", "float32", tmp_path, 6)
    assert (plain.weight_decay, plain.max_length) == (0.0, None)


PAIR = {"text_field": None, "prompt_field": "q", "response_field": "a"}


@pytest.mark.parametrize("method", [Method(), SupervisedFineTuning()])
def test_rows_without_text_are_none(method: Method) -> None:
    text = DataSection(source="x")
    assert method.row({"text": " \n"}, text, "<e>") is None
    assert method.row({"text": None}, text, "<e>") is None
    pair = DataSection(source="x", **PAIR)
    assert method.row({"q": "من؟", "a": ""}, pair, "<e>") is None
    assert method.row({"q": None, "a": "أنا"}, pair, "<e>") is None


def test_what_a_row_is() -> None:
    text, pair = (
        DataSection(source="x"),
        DataSection(source="x", **PAIR, prompt_template="<{prompt}>"),
    )
    plain, tuned = Method(), SupervisedFineTuning()
    assert plain.row({"text": SENTENCE, "id": 3}, text, "<e>") == {"text": SENTENCE}
    assert tuned.row({"text": SENTENCE, "id": 3}, text, "<e>") == {"text": SENTENCE + "<e>"}
    row = {"q": "من {0}؟", "a": "أنا"}
    assert plain.row(row, pair, "<e>") == row
    assert tuned.row(row, pair, "<e>") == {"prompt": "<من {0}؟>", "completion": "أنا<e>"}


def test_the_table_holds_documented_methods() -> None:
    assert list(METHODS) == ["sft", "cpt", "dpo", "ipo", "kto", "cpo", "simpo", "orpo"]
    for name, method in METHODS.items():
        page = sys.modules[type(method).__module__].__doc__ or ""
        assert "L = " in page, f"{name} states no formula"
        assert "arXiv" in page, f"{name} names no paper"


@pytest.mark.parametrize("value", [None, 3, ["sft"], "SFT"])
def test_a_method_that_is_none(value: Any, tmp_path: Path, make_recipe: MakeRecipe) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(dump_recipe(make_recipe()), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_recipe(file, {"method": value})
    *others, last = map(repr, METHODS)
    allowed = f"{', '.join(others)} or {last}"
    assert str(caught.value).endswith(f"method: Input should be {allowed}, not {value!r}.")


def test_names_that_users_import() -> None:
    assert (sft.train, sft.Outcome) == (training.train, outcome.Outcome)
    assert {"Recipe", "load_recipe", "dump_recipe"} <= set(recipes.__all__)
    assert all(hasattr(recipes, name) for name in recipes.__all__)


MODULES = sorted(
    ".".join(("arabench.trainers", *path.relative_to(root).with_suffix("").parts))
    for root in [Path(recipes.__file__).parents[1]]
    for path in root.rglob("*.py")
    if path.name != "__init__.py"
)


def test_every_file_can_be_imported_first() -> None:
    # Each in a state in which none of the others is loaded, and none loads a heavy library.
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    for held in [h for h in sys.modules if h.startswith('arabench.trainers')]:\n"
        "        del sys.modules[held]\n"
        "    importlib.import_module(name)\n"
        "print(sorted({'torch', 'transformers', 'trl', 'peft', 'datasets'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *MODULES], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert len(MODULES) > 15
