"""A recipe and its data looked at, with the tokenizer of the base and without its weights."""

from __future__ import annotations

from collections.abc import Callable

from arabench.trainers.data.check_report import overlap, report
from arabench.trainers.data.checks import check_rows
from arabench.trainers.data.sources import find_places
from arabench.trainers.guards import checks
from arabench.trainers.methods.table import METHODS
from arabench.trainers.recipe import Recipe
from arabench.trainers.run import base


def check(recipe: Recipe, say: Callable[[str], None], tasks: tuple[str, ...] = ()) -> None:
    """Say what is wrong with a recipe and its data; nothing is written, and no weights are read.

    Args:
        recipe: what would be trained.
        say: gets a line for everything that was found.
        tasks: lm-eval tasks and groups whose items are looked for in the data.

    Raises:
        UsageError: wrong base or data, or an unknown task.
        DataError: broken rows.
    """
    places, notes = find_places(recipe.data)
    checks.check_base(recipe)
    found = base.find_base(recipe, base.request_of(recipe).locate())
    for note in (*notes, found.note):
        if note:
            say(note)
    method = METHODS[recipe.method]
    section, told = method.resolve(recipe.data, places)
    if told:
        say(told)
    search = None
    if tasks:
        from arabench.evaluation.contamination.items import load_items
        from arabench.evaluation.contamination.search import Search

        search = Search(load_items(tasks, {}))
    end = found.tokenizer.eos_token
    checked = check_rows(
        section, places, lambda row: method.row(row, section, end), recipe.training.seed, search
    )
    for line in report(checked, recipe, found.tokenizer):
        say(line)
    if search is not None:
        for line in overlap(search.findings()):
            say(line)
