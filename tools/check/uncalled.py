"""Names that nothing in the repository calls and that stay, for vulture (`make check`).

    vulture    # paths and settings stand in pyproject.toml

Vulture reads this file and never runs it: a name that stands here counts as used. What is
called by its tests alone does not belong here: it goes, or the tests keep it for themselves.
"""

# ruff: noqa: B018, F821

# Public, for programs of others (docs/architecture.md, "Names that stay").
sentence_ends
SentenceEnds.row_index

# Definitions that compiled code is held equal to.
features_of

# Called by others by these names: readers of streams, lm-eval, transformers, Jinja templates.
readable
seekable
writable
construct_requests
loglikelihood_rolling
on_log
on_step_begin
on_train_begin
on_step_end
compute_loss
_prepare_dataset
num_items_in_batch
control
should_training_stop
y_ticks

# Set for others to read: numpy, reprlib, bitsandbytes, transformers, lm-eval.
writeable
maxlevel
maxlong
maxother
maxstring
compute_type_is_set
hf_quantizer
is_quantized
_aggregation_list
_higher_is_better

# Arguments that a protocol hands over and the function has no use for.
signum
typing_context

# Fields that are read by name: of records that are written whole, and of options and
# measures that stand side by side.
arabench_manifest
city
rows_cut_off
rows_identical
rows_vanished
rows_without_text
untrained_accuracy
letter_words
max_boilerplate
max_mean_word_chars
max_repeated_lines
max_repeated_phrases
max_symbols
max_top_phrase
max_words
mean_word_chars
min_arabic
min_letter_words
min_mean_word_chars
min_stop_words
repeated_lines
repeated_phrases
symbols
top_phrase

# Fields of records that are read as a whole (vars, dataclasses.asdict).
packages
