"""Compare the compiled engine with the reference on random options, text and JSON lines.

    python tools/fuzz_engines.py [--cases 1000000] [--seed 0] [--json] [--hot]

Prints the number of equal cases, or the first that differs and exit status 1. A case is one
text through one set of options (with --json: one line, valid or damaged, through the
byte path and through the parser). --hot draws options near the presets, which run in one
pass, instead of any combination. The count for a release stands in docs/log.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import time

import numpy as np

from arabench import chars
from arabench.corpus.formats.lines import LineBlock
from arabench.corpus.lanes.line_lane import Block, _Buffers, _Work
from arabench.text.engine import BatchNormalizer, Kernel
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options, option_values
from arabench.text.presets import options_from, presets

TEXTS_PER_OPTIONS = 2500
PIECES = (
    "http://", "www.", "a.b", "@", "user", "#", "_", "+966", "050", "123 4567", "\u0665\u0660",
    "!!!", "<b>", "<", "&amp;", "&#x41;", "[\u0631\u0627\u0628\u0637]", "\U0001f600",
    "\u2764\ufe0f", "\r\n", "\u0647\u0647\u0647\u0647", "\u0643\u062a\u0627\u0628\u064b\u0627",
    "\u0639\u0644\u0649",
)  # fmt: skip
INTERESTING = "".join(
    sorted(
        chars.MARKS
        | chars.ALIF_VARIANTS
        | chars.LETTERS
        | chars.ZERO_WIDTH
        | chars.BIDI_CONTROLS
        | chars.HORIZONTAL_SPACE
        | chars.LINE_BREAKS
        | chars.PUNCTUATION
        | set("\u0665\u06f55ab\u00e9\ud800\u0000\ufefb\ufdfa\ufe70\ufe71\ufcf2\ufc5d\ufd3d\ufdd0")
    )
)
COMMON = (
    "\u0627\u0644\u0628\u062a\u064a\u0649\u0629\u0647\u0648\u0623\u0643 " * 2
    + "\u064e\u0651\u064b\u0650\u0654\u0640"
)


def random_options(rng: random.Random, hot: bool) -> Options:
    """Any combination, or a preset with a few options changed."""
    if hot:
        preset = options_from(rng.choice(sorted(set(presets()) - {"arabert_v02"})))
        values = dataclasses.asdict(preset)
        chosen = rng.sample(sorted(option_values()), rng.randrange(3))
    else:
        values = {}
        keeping = rng.choice([0.1, 0.5, 0.8])
        chosen = [name for name in option_values() if rng.random() > keeping]
    for name in chosen:
        values[name] = rng.choice(option_values()[name])
    if values.get("alif", "keep") in ("unify", "hamza") or values.get("hamza", "keep") != "keep":
        values["mark_order"] = "canonical"
    if values.get("diacritics") == "partial":
        values |= {"partial_rate": rng.random(), "partial_seed": rng.randrange(1 << 63)}
    if values.get("elongation") == "cap":
        values["elongation_max"] = rng.randrange(1, 4)
    if values.get("repeated_punctuation") == "cap":
        values["punctuation_max"] = rng.randrange(1, 4)
    return Options(**values)


def random_text(rng: random.Random) -> str:
    """Mostly letters and marks, sometimes anything."""
    kind = rng.random()
    if kind < 0.4:
        return "".join(rng.choices(COMMON, k=rng.randrange(16)))
    if kind < 0.75:
        return "".join(rng.choices(INTERESTING, k=rng.randrange(14)))
    if kind < 0.95:
        return "".join(
            rng.choice((rng.choice(PIECES), rng.choice(COMMON))) for _ in range(rng.randrange(9))
        )
    return "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(12)))


def damaged(rng: random.Random, line: bytes) -> bytes:
    """A line with a few bytes changed."""
    changed = bytearray(line)
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        at = rng.randrange(len(changed) + 1)
        piece = rng.choice(
            [b'"', b"\\", b"{", b"}", b"]", b",", b":", b"\xff", b"\x00", b"1", b"\\u"]
        )
        changed[at : at + rng.randrange(2)] = piece
    return bytes(changed).replace(b"\n", b" ")


def text_cases(rng: random.Random, hot: bool) -> int:
    """Compare texts; returns how many."""
    options = random_options(rng, hot)
    reference = Normalizer(options)
    texts = [random_text(rng) for _ in range(TEXTS_PER_OPTIONS)]
    for before, after in zip(texts, Kernel(options).normalize(texts), strict=True):
        if after is not None and after != reference.normalize(before):
            fail(options, before.encode("unicode_escape"), after, reference.normalize(before))
    return len(texts)


def json_cases(rng: random.Random, hot: bool) -> int:
    """Compare JSON lines; returns how many."""
    options = random_options(rng, hot)
    lines = []
    for number in range(TEXTS_PER_OPTIONS):
        text = random_text(rng).encode("utf-8", "replace").decode()
        row = {"id": number, "text": text, "more": rng.choice([None, 1.5, [1, {"a": text}], "x"])}
        line = json.dumps(row, ensure_ascii=rng.random() < 0.4)
        lines.append(damaged(rng, line.encode()))
    content = b"\n".join(lines)
    engine = BatchNormalizer(Normalizer(options))
    exact, compiled = (_Work("f", True, "text", engine) for _ in range(2))
    block = Block.of(LineBlock(content, 1, len(content)), _Buffers())
    exact.by_reference(block)
    compiled.compiled(block, Kernel(options), np.empty(2 * len(content), dtype=np.uint8))
    seen = [
        (
            b"".join(work.pieces),
            [(reject.line, reject.reason) for reject in work.outcome.rejects],
            (work.outcome.written, work.outcome.changed, work.outcome.null),
        )
        for work in (exact, compiled)
    ]
    if seen[0] != seen[1]:
        for left, right in zip(seen[0][0].split(b"\n"), seen[1][0].split(b"\n"), strict=False):
            if left != right:
                fail(options, b"(a JSON line)", repr(right), repr(left))
        fail(options, b"(counts)", repr(seen[1][1:]), repr(seen[0][1:]))
    return len(lines)


def fail(options: Options, before: bytes, compiled: str, reference: str) -> None:
    """Print a difference and end."""
    print(f"differs under {options.signature}")
    print(f"text      {before!r}\ncompiled  {compiled!r}\nreference {reference!r}")
    sys.exit(1)


def main() -> None:
    """Run until there are enough cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--hot", action="store_true")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    began, done, sets = time.perf_counter(), 0, 0
    while done < options.cases:
        done += (json_cases if options.json else text_cases)(rng, options.hot)
        sets += 1
    seconds = time.perf_counter() - began
    print(f"{done} cases under {sets} sets of options are equal ({seconds:.0f} s)")


if __name__ == "__main__":
    main()
