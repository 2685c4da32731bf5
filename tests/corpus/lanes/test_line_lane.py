"""JSON and text lines rewritten as bytes: the compiled path gives what the exact path gives."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabench.corpus.formats import lines
from arabench.corpus.formats.compression import ByteSource
from arabench.corpus.formats.lines import LineBlock, line_blocks
from arabench.corpus.lanes.line_lane import Block, _Buffers, _read_blocks, _Work
from arabench.errors import DataError
from arabench.text.engine import BatchNormalizer, Kernel
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options
from arabench.text.presets import options_from
from tests.strategies import any_text

LLM = options_from("llm")
QUOTES = Options(punctuation="unify", digits="arabic")  # characters that JSON must escape appear


def works(content: bytes, options: Options, as_json: bool = True) -> tuple[_Work, _Work]:
    """The same lines by the reference and by the kernel."""
    engine = BatchNormalizer(Normalizer(options))
    kernel = Kernel(options)
    both = []
    for compiled in (False, True):
        work = _Work("f", as_json, "text", engine)
        block = Block.of(LineBlock(content, 1, len(content)), _Buffers())
        if compiled:
            work.compiled(block, kernel, np.empty(len(content) + 600, dtype=np.uint8))
        else:
            work.by_reference(block)
        both.append(work)
    return both[0], both[1]


def observed(work: _Work) -> Any:
    """Everything a run would see of a block."""
    outcome = work.outcome
    rejects = [(reject.line, reject.reason, reject.raw) for reject in outcome.rejects]
    counts = outcome.written, outcome.changed, outcome.null, work.joined, work.missing
    return b"".join(work.pieces), counts, rejects, work.fields


def assert_same(content: bytes, options: Options, as_json: bool = True) -> _Work:
    exact, compiled = works(content, options, as_json)
    assert observed(exact) == observed(compiled)
    return compiled


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ('{"text":"كتـاب"}', '{"text":"كتاب"}'),
        (
            '{ "id" : 1.0e2 ,\t"text" : "كتـاب" , "z":[ ] }',
            '{ "id" : 1.0e2 ,\t"text" : "كتاب" , "z":[ ] }',
        ),
        (r'{"text":"\u0643\u062a\u0640\u0627\u0628"}', '{"text":"كتاب"}'),
        (r'{"text":"a\n\n\n\"b\" \/ \\ \ud83d\ude00"}', r'{"text":"a\n\n\"b\" / \\ 😀"}'),
        (
            '{"id":12345678901234567890123,"text":" x "}',
            '{"id":12345678901234567890123,"text":"x"}',
        ),
        ('{"text":" a","text":" b"}', '{"text":"b"}'),
        (r'{"te\u0078t":" a","n":1}', r'{"te\u0078t":"a","n":1}'),
        ('{"meta":{"text":" a "},"text":null}', '{"meta":{"text":" a "},"text":null}'),
        (
            '{"a":[{"b":[[],{}]},-0.5,true,false,null,"x"],"text":" y"}',
            '{"a":[{"b":[[],{}]},-0.5,true,false,null,"x"],"text":"y"}',
        ),
    ],
)
def test_only_the_text_is_written_anew(line: str, result: str) -> None:
    work = assert_same(line.encode(), LLM)
    assert b"".join(work.pieces).decode() == result + "\n"
    assert not work.outcome.rejects


@pytest.mark.parametrize(
    "line",
    [
        b'{"text":"a"',
        b'{"text":"a"}}',
        b'{"text":"a",}',
        b'{"text" "a"}',
        b'["text"]',
        b'{"text":1}',
        b'{"text":["a"]}',
        b'{"text":{"a":1}}',
        b'{"text":"\xff"}',
        b'{"id":"\xff","text":"a"}',
        b'{"\xff":1,"text":"a"}',
        b'{"text":"\xed\xa0\x80"}',
        b'{"text":"\\ud800"}',
        b'{"text":"\\x"}',
        b'{"text":"a\tb"}',
        b'{"text":"a\x00b"}',
        b'{"text":truex}',
        b'{"n":01,"text":"a"}',
        b'{"n":1.,"text":"a"}',
        b'{"n":NaN,"text":"a"}',
        b'{"n":[1,],"text":"a"}',
        b'{"n":{1:2},"text":"a"}',
        b'{"n":[},"text":"a"}',
        b"nothing",
        b'{"other":"a"}',
        b"{}",
        b'{"text":"a"} x',
        b'{"text":"\\u12g4"}',
        b'{"a":' + b"[" * 300 + b"]" * 300 + b',"text":"a"}',
    ],
)
def test_broken_lines_are_set_aside_alike(line: bytes) -> None:
    work = assert_same(b'{"text":"first"}\n' + line + b'\n{"text":" last"}\n', LLM)
    assert b"".join(work.pieces) == b'{"text":"first"}\n{"text":"last"}\n'
    assert [reject.line for reject in work.outcome.rejects] == [2]


def test_what_the_scan_accepts_orjson_accepts() -> None:
    rng = random.Random(7)
    alphabet = b'" \\ { } [ ] : , text 1 0 - . e null true \t u0041 n \r \x1f'.split(b" ")
    alphabet += [b" ", "ب".encode(), b"\xd8", b"\xf0\x9f\x98\x80", b"9" * 25, b"1" * 310]
    seeds = [b'{"text":"a"}', b'{"a":{"b":[1,{"c":"d"}]},"text":"x\\n"}', b'{"text":null,"n":-1.5}']
    for _ in range(150):
        lines = []
        for _ in range(60):
            line = bytearray(rng.choice(seeds))
            for _ in range(rng.randrange(4)):
                at = rng.randrange(len(line) + 1)
                line[at : at + rng.randrange(3)] = rng.choice(alphabet)
            lines.append(bytes(line))
        assert_same(b"\n".join(lines), LLM)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(any_text, json_values, st.booleans(), st.booleans()), min_size=1, max_size=6
    ),
    st.sampled_from([LLM, QUOTES, options_from("search"), Options()]),
)
def test_any_row_any_escaping(rows: list[tuple[str, Any, bool, bool]], options: Options) -> None:
    lines = []
    for text, value, ascii_only, spaced in rows:
        text = text.encode("utf-8", "replace").decode()
        separators = (", ", ": ") if spaced else (",", ":")
        try:
            line = json.dumps(
                {"v": value, "text": text}, ensure_ascii=ascii_only, separators=separators
            ).encode()
        except UnicodeEncodeError:
            continue
        lines.append(line)
    work = assert_same(b"\n".join(lines), options)
    reference = Normalizer(options)
    for line in b"".join(work.pieces).splitlines() if not work.outcome.rejects else []:
        json.loads(line)
    if lines and not work.outcome.rejects:
        texts = [json.loads(line)["text"] for line in lines]
        results = [orjson.loads(line)["text"] for line in b"".join(work.pieces).split(b"\n")[:-1]]
        assert results == [reference(text) for text in texts]


@settings(max_examples=150, deadline=None)
@given(st.lists(any_text, max_size=6), st.sampled_from([LLM, Options(), options_from("search")]))
def test_text_lines(texts: list[str], options: Options) -> None:
    content = "\n".join(texts).encode("utf-8", "surrogatepass")
    if content:
        assert_same(content, options, as_json=False)


def test_many_lines_of_real_text(shared_data: Path) -> None:
    path = shared_data / "motaz_tweets" / "train_positive.tsv"
    texts = path.read_text("utf-8").split("\n")[:3000]
    lines = [
        json.dumps({"id": n, "text": text}, ensure_ascii=n % 3 == 0) for n, text in enumerate(texts)
    ]
    assert_same("\n".join(lines).encode(), options_from("search"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"a", b"a\nbb\n\nccc", b"a\n" * 50, b"x" * 300 + b"\ny\n", b"\xef\xbb\xbfa\nb"],
)
def test_blocks_read_in_place_are_those_of_the_general_reader(
    tmp_path: Path, content: bytes, size: int
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with ByteSource(str(path)) as source:
        in_place = list(_read_blocks(source, size, _Buffers()))
    with ByteSource(str(path)) as source:
        general = list(line_blocks(source, size))
    assert [block.first_line for block in in_place] == [block.first_line for block in general]
    joined = b"".join(block.data[: block.size].tobytes() for block in in_place)
    expected = b"".join(block.data for block in general)
    assert joined == expected + (b"\n" if expected and not expected.endswith(b"\n") else b"")
    assert sum(block.consumed for block in in_place) == len(content)
    assert [block.lines for block in in_place] == [
        block.data[: block.size].tobytes().count(b"\n") for block in in_place
    ]


def test_a_line_beyond_the_cap_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\n" + b"x" * 1000)
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100)
    with (
        ByteSource(str(tmp_path / "a.txt")) as source,
        pytest.raises(DataError, match=r"line 2 of .* is longer"),
    ):
        list(_read_blocks(source, 50, _Buffers()))
