"""A training run from recipe to adapter: what holds for every method.

Whatever can be told from the recipe, the folder, the data and the tokenizer is checked before
the base is loaded, cheapest first; nothing stays in the folder unless training begins.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from arabench.models.devices import pick_device, pick_precision, use_threads
from arabench.trainers.data.prepare import prepare
from arabench.trainers.data.sources import find_places
from arabench.trainers.guards import checks, folder, moved
from arabench.trainers.guards.packing import check_packing
from arabench.trainers.guards.probe import probe
from arabench.trainers.methods.table import METHODS
from arabench.trainers.monitors.losses import read_losses
from arabench.trainers.monitors.plots import plot_losses
from arabench.trainers.monitors.validation import end_of_validation, validation_of, validator
from arabench.trainers.recipe import Recipe
from arabench.trainers.run import adapter, base, outcome, trainer
from arabench.trainers.run.outcome import Machine, Outcome


def train(
    recipe: Recipe,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    on_step: Callable[[int, float], None] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Run a recipe, or resume it from its last checkpoint.

    Writes to `recipe.output_dir`: adapter/ (safetensors, config, tokenizer, arabench.json),
    recipe.yaml (every default written out), run.json, losses.jsonl, losses.png, and
    validation.jsonl where rows are held out.
    checkpoints/ is removed at the end. Nothing is written before base and data are read.

    Args:
        recipe: what is trained.
        overwrite: discard an earlier run in the folder.
        threads: of the CPU; None for those that are free.
        on_step: called with the number and the loss of each optimizer step.
        say: gets a line about the machine, the rows and the base, before the first step.

    Raises:
        UsageError: wrong base, data or device, or the folder holds another run or is in use.
        DataError: broken rows, none that can be learned from, or a damaged record of a run.
        ArabenchError: the run diverged, its checkpoint is damaged, or memory is not enough.
    """
    place = Path(recipe.output_dir)
    folder.check_folder(place, recipe, overwrite)
    with folder.hold(place):
        folder.check_folder(place, recipe, overwrite)  # the holder before may have filled it
        try:
            return _train(place, recipe, overwrite, threads, on_step, say)
        finally:
            folder.drop_rows(place, begun_ones=False)


def _train(
    place: Path,
    recipe: Recipe,
    overwrite: bool,
    threads: int | None,
    on_step: Callable[[int, float], None] | None,
    say: Callable[[str], None],
) -> Outcome:
    # Check.
    places, notes = find_places(recipe.data)
    info = checks.check_base(recipe)
    if not overwrite and (finished := outcome.finished_run(place, places, info)) is not None:
        return finished
    source = base.request_of(recipe).locate()
    for note in notes:
        say(note)
    device = pick_device(recipe.device)
    precision = pick_precision(recipe.quantization.compute_dtype, device)
    machine = Machine(device, precision, use_threads(threads))
    say(str(machine))
    found = base.find_base(recipe, source)
    if found.note:
        say(found.note)
    data = prepare(recipe, places, found.tokenizer, place / folder.ROWS_NAME)
    rows, encoded = data.rows, data.encoded
    for note in (*data.notes, *METHODS[recipe.method].notes(recipe)):
        say(note)
    checks.check_context(encoded.longest, found.max_tokens, recipe)
    steps = recipe.training.steps(len(data.train))
    if recipe.training.epochs is not None:
        say(f"{recipe.training.epochs:g} epochs of {len(data.train):,} rows are {steps:,} steps")
    provenance = outcome.provenance_of(recipe, machine, places, info, rows, encoded)
    checkpoint, damaged = (None, []) if overwrite else folder.find_checkpoint(place, provenance)
    for note in damaged:
        say(note)

    # Load.
    say(f"loading {recipe.base.name} ({recipe.quantization.bits} bits)")
    loaded = base.load_base(recipe, source, device, precision.dtype)
    provenance["base_commit"] = getattr(loaded.config, "_commit_hash", None)
    folder.claim(place, recipe, provenance, overwrite)

    # Build by method, with the adapter in float32; run.
    started = time.monotonic()
    built = trainer.build(
        recipe, device, precision.dtype, loaded, found.tokenizer, data.train, place, on_step, steps
    )
    if recipe.training.packing:
        check_packing(built.model, recipe.base.name)
    validation = validation_of(recipe, data.held_out, place)
    if validation is not None:
        built.add_callback(validator(built, validation))
    begun = checkpoint is None
    moved.keep_initial(built.model, place / "checkpoints", again=begun)
    if seconds := trainer.reference_seconds(built):
        say(f"what the base says of {len(data.train):,} rows was computed in {seconds:.1f} s")
    trainer.run(built, checkpoint)
    if validation is not None:
        say(end_of_validation(built, validation))

    # Probe, save, record.
    untrained, trained = probe(built)
    adapter.save_adapter(built, found.tokenizer, place / "adapter", provenance)
    history = read_losses(place / "losses.jsonl")
    plot_losses(history, place / "losses.png", METHODS[recipe.method].loss_unit)
    first, last = outcome.ends([row["loss"] for row in history])
    came = Outcome(
        adapter=place / "adapter",
        steps=built.state.global_step,
        first_loss=first,
        last_loss=last,
        untrained_loss=untrained.loss,
        trained_loss=trained.loss,
        untrained_margin=untrained.margin,
        trained_margin=trained.margin,
        untrained_accuracy=untrained.accuracy,
        trained_accuracy=trained.accuracy,
        elements_moved=moved.share_moved(built.model, place / "checkpoints"),
        resumed_from=folder.step_of(checkpoint) if checkpoint else 0,
        finished_before=False,
        trainable_parameters=adapter.trainable_parameters(built.model),
        seconds=round(time.monotonic() - started - seconds, 1),
        reference_seconds=round(seconds, 3),
        rows_without_text=rows.skipped,
        rows_cut_off=encoded.left_out,
        rows_vanished=encoded.vanished,
        rows_identical=encoded.identical,
        texts_divided=encoded.texts_divided,
        responses_shortened=encoded.responses_shortened,
    )
    outcome.write_run(place, came, provenance, machine)
    shutil.rmtree(place / "checkpoints", ignore_errors=True)
    folder.drop_rows(place)
    return came
