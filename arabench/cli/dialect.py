"""Say for each text which variety of Arabic it is written in.

Each row gets `variety` (msa, egy, glf, lev, mgr, or unknown), `probs` (a calibrated
probability of each, summing to 1) and `reason`, which says why a text is unknown: no_arabic
(no Arabic word), short (too few words), ambiguous (valid in several varieties, or too close
a call). Other columns are kept.

`arabench dialect train` trains a model on labelled corpora, `arabench dialect evaluate`
prints its scores on them; a file of such a name is given as ./train.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arabench.dialect.identification import Identifier

EXAMPLES = """\
examples:
  arabench dialect tweets.txt -o tweets.jsonl
  arabench dialect corpus.parquet -o labelled.parquet --dialectness --min-prob 0.7
  arabench dialect posts.jsonl -o posts.labelled.jsonl --field body --explain --sentences
  echo 'مش عارف ايه اللي حصل' | arabench dialect - -o - --explain
  arabench dialect train --data corpora/ -o model.bin
  arabench dialect evaluate --data corpora/ --model model.bin
"""

_TRAIN, _EVALUATE = "train", "evaluate"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, the model, when not to decide, and what is written besides."""
    from arabench.cli.files import add_file_arguments

    add_file_arguments(parser)
    parser.add_argument("--model", metavar="FILE", help="a model file [the one in the package]")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="add `evidence`: the words that decided, and the weight of each",
    )
    parser.add_argument(
        "--explain-words", type=int, default=None, metavar="N", help="at most N of them [5]"
    )
    parser.add_argument(
        "--sentences", action="store_true", help="add `sentences`: the variety of each sentence"
    )
    parser.add_argument(
        "--dialectness",
        action="store_true",
        help="add `dialectness`: a number from 0 (MSA) to 1 (dialect)",
    )
    parser.add_argument(
        "--finer",
        metavar="MODEL",
        help="add `finer`: city label, country and variety of a camel-tools model, did26 or did6",
    )
    parser.add_argument(
        "--variety-field",
        default="variety",
        metavar="NAME",
        help="field of the variety; the other fields then begin with NAME_ [variety]",
    )
    group = parser.add_argument_group("when a text is unknown")
    group.add_argument(
        "--unknown",
        choices=["model", "never"],
        default="model",
        help="as the model was fitted, or only without an Arabic word [model]",
    )
    group.add_argument(
        "--min-prob", type=float, metavar="P", help="when no probability reaches P [by the model]"
    )
    group.add_argument(
        "--min-words", type=int, metavar="N", help="when it has fewer words [by the model]"
    )
    group = parser.add_argument_group("train and evaluate")
    group.add_argument("--data", metavar="DIR", help="folder of labelled corpora")


def run(options: argparse.Namespace) -> int:
    """Label files, train or evaluate."""
    from arabench.errors import UsageError

    if options.inputs == [_TRAIN]:
        return _train(options)
    if options.inputs == [_EVALUATE]:
        return _evaluate(options)
    if options.data is not None:
        raise UsageError("--data belongs to `dialect train` and `dialect evaluate`. Leave it out.")
    return _label(options)


def identifier_of(options: argparse.Namespace) -> Identifier:
    """The model and policy that --model, --unknown, --min-prob and --min-words ask for.

    Raises:
        UsageError: the options contradict each other, or a value is impossible.
        DataError: the model cannot be read.
    """
    import dataclasses

    from arabench.dialect.identification import Identifier
    from arabench.dialect.model import NEVER_UNKNOWN, load_model, shipped_model
    from arabench.errors import UsageError

    limits = {
        name: value
        for name in ("min_prob", "min_words")
        if (value := getattr(options, name)) is not None
    }
    if options.unknown == "never" and limits:
        flag = f"--{next(iter(limits)).replace('_', '-')}"
        raise UsageError(f"--unknown never decides always, and {flag} not. Leave out one of them.")
    model = shipped_model() if options.model is None else load_model(options.model)
    base = NEVER_UNKNOWN if options.unknown == "never" else model.unknown
    return Identifier(model, dataclasses.replace(base, **limits))


def _label(options: argparse.Namespace) -> int:
    from arabench.cli.files import find_inputs, input_progress, io_options, report
    from arabench.corpus.steps.dialect.fields import DialectOptions
    from arabench.corpus.steps.dialect.labels import dialect_files

    io = io_options(options)
    chosen = DialectOptions(
        options.variety_field,
        dialectness=options.dialectness,
        explain=_deciding_words(options),
        sentences=options.sentences,
        finer=options.finer,
    )
    identifier = identifier_of(options)
    inputs = find_inputs(options)
    with input_progress("dialect", inputs) as advance:
        summary, signature = dialect_files(inputs, options.output, chosen, io, identifier, advance)
    return report(summary, signature, options.max_rejects)


def _deciding_words(options: argparse.Namespace) -> int:
    from arabench.dialect.identification import DECIDING_WORDS
    from arabench.errors import UsageError

    words: int | None = options.explain_words
    if words is not None and not options.explain:
        raise UsageError("--explain-words belongs to --explain. Add it, or leave out the number.")
    if words is not None and words < 1:
        raise UsageError(f"--explain-words {words} gives no words. Use 1 or more.")
    return (words or DECIDING_WORDS) if options.explain else 0


def _train(options: argparse.Namespace) -> int:
    from arabench.cli.console import say
    from arabench.errors import UsageError

    if not options.data or not options.output:
        raise UsageError("training needs --data DIR and -o MODEL.")
    from arabench.dialect.training import train

    train(options.data, options.output, say=say)
    say(f"wrote {options.output}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from arabench.errors import UsageError

    if not options.data:
        raise UsageError("evaluation needs --data DIR.")
    from arabench.dialect.evaluation import evaluate

    evaluate(options.data, options.model, options.output)
    return 0
