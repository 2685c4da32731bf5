"""Evaluations that are laid side by side, each under a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from arabench.errors import DataError, UsageError, did_you_mean
from arabench.evaluation.runner.results import Evaluation, load_evaluation
from arabench.files.records import read_json_object
from arabench.varieties import VARIETIES, variety_of

#: Results below a folder: its own, one folder a model, one folder a run and in it one a model.
_DEPTHS: Final = ("results*.json", "*/results*.json", "*/*/results*.json")
#: Name that `arabench eval` gives the bare base; it goes before its adapters.
_BASE: Final = "base"
#: Characters of a name that are shown.
LONGEST_NAME: Final = 80
#: Record of a training run, beside its adapter/ folder.
_TRAINING: Final = "run.json"


@dataclass(frozen=True)
class Run:
    """One model's results.

    Attributes:
        name: one line, printable, different from those beside it.
        trained: variety that its adapter was trained on, None where nothing says it.
    """

    name: str
    evaluation: Evaluation
    trained: str | None = None


def load_runs(places: Sequence[str], trained: Mapping[str, str] | None = None) -> list[Run]:
    """Every model's results at or below `places`, in their order.

    Args:
        places: results folders or files, or NAME=PLACE; a folder may hold several models, which
            come as they were measured, a bare base first.
        trained: name -> variety, beside what the records of training say.

    Raises:
        UsageError: a place has no results, a name is given twice or is not there.
        DataError: a file is damaged.
    """
    found: list[tuple[str, Evaluation]] = []
    for place in places:
        name, path = _named(place)
        evaluations = _evaluations(path)
        evaluations.sort(key=lambda one: (one.model != _BASE, one.path.name, str(one.path)))
        for evaluation in evaluations:
            own = _short(evaluation.model)
            chosen = own if not name else name if len(evaluations) == 1 else f"{name}/{own}"
            found.append((clean_name(chosen), evaluation))
    names = _distinct(found)
    runs = [
        Run(name, evaluation, _trained_on(evaluation))
        for name, (_, evaluation) in zip(names, found, strict=True)
    ]
    return _with_trained(runs, trained or {})


def clean_name(text: str) -> str:
    """One printable line of at most `LONGEST_NAME` characters.

    Control characters, marks of direction and lone surrogates are left out.
    """
    return one_line(text, LONGEST_NAME) or "unnamed"


def one_line(text: str, most: int | None = None) -> str:
    """Printable characters on one line, cut after `most` of them.

    What moves a cursor, turns the direction of others or is half a character is left out.
    """
    kept = "".join(x if x.isprintable() else " " * x.isspace() for x in text)
    line = " ".join(kept.split())
    return line if most is None or len(line) <= most else line[: most - 1] + "…"


def choose(runs: Sequence[Run], name: str | None) -> tuple[Run, list[Run]]:
    """The run that all others are held against, and the others.

    Raises:
        UsageError: there is only one, or none of that name.
    """
    if len(runs) < 2:
        raise UsageError(
            f"there is nothing to compare: {runs[0].evaluation.path.parent} holds one model's "
            "results. Name a second results folder."
            if runs
            else "there is nothing to compare. Name two results folders."
        )
    if name is None:
        return runs[0], list(runs[1:])
    base = next((run for run in runs if run.name == name), None)
    if base is None:
        raise UsageError(
            f"--against {name!r} is no run. {did_you_mean(name, [run.name for run in runs])}"
        )
    return base, [run for run in runs if run is not base]


def _named(place: str) -> tuple[str, Path]:
    """(name or nothing, path) of NAME=PLACE or PLACE; a place that exists is one."""
    name, separator, rest = place.partition("=")
    if separator and name and rest and not Path(place).exists():
        return name, Path(rest)
    return "", Path(place)


def _evaluations(path: Path) -> list[Evaluation]:
    """Of every model at or below `path`, at the first depth where there are results."""
    for pattern in _DEPTHS if path.is_dir() else ():
        folders = sorted({file.parent for file in path.glob(pattern) if file.is_file()})
        if folders:
            return [load_evaluation(folder) for folder in folders]
    return [load_evaluation(path)]


def _short(model: str) -> str:
    """The last part of a path; names of the hub stay whole."""
    path = Path(model)
    return path.name or model if path.is_absolute() or model.startswith(".") else model


def _distinct(found: Sequence[tuple[str, Evaluation]]) -> list[str]:
    """Names of their own: those that stand twice get the nearest folder that tells them apart.

    The same results given twice get a number.
    """
    given = [name for name, _ in found]
    names = list(given)
    for place, (name, _) in enumerate(found):
        alike = [evaluation.path.resolve() for other, evaluation in found if other == name]
        if len(alike) > 1:
            folder = _telling_folder(found[place][1].path.resolve(), alike)
            names[place] = f"{name} ({folder})" if folder not in {"", name} else name
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[place] = f"{name} #{seen[name]}"
    return names


def _telling_folder(path: Path, alike: Sequence[Path]) -> str:
    """Name of the nearest folder above a file that the others do not have at its place."""
    folders = [one.parents for one in alike]
    for depth, parent in enumerate(path.parents):
        others = [one[depth].name for one in folders if len(one) > depth]
        if parent.name and others.count(parent.name) < len(others):
            return clean_name(parent.name)
    return ""


def _trained_on(evaluation: Evaluation) -> str | None:
    """`variety` in the run.json of the adapter's training, where the results name an adapter."""
    if not evaluation.adapter:
        return None
    return _variety_in(Path(evaluation.adapter).parent / _TRAINING)


def _variety_in(file: Path) -> str | None:
    try:
        named = read_json_object(file).get("variety") if file.is_file() else None
    except (DataError, OSError):  # what is not there, or is no such record, says nothing
        return None
    return variety_of(named) if isinstance(named, str) else None


def _with_trained(runs: list[Run], trained: Mapping[str, str]) -> list[Run]:
    names: Iterable[str] = [run.name for run in runs]
    for name, code in trained.items():
        if name not in names:
            raise UsageError(f"--trained {name!r} is no run. {did_you_mean(name, names)}")
        if variety_of(code) is None:
            raise UsageError(
                f"--trained {name}={code}: {code!r} is no variety. {did_you_mean(code, VARIETIES)}"
            )
    return [
        replace(run, trained=variety_of(trained[run.name])) if run.name in trained else run
        for run in runs
    ]
