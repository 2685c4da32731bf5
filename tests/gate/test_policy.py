"""Policies: what is accepted, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from arabench.errors import UsageError
from arabench.gate.criteria.table import names_for_rules
from arabench.gate.policy import DEFAULT_RULES, Policy, Rule, load_policy


def saved(folder: Path, text: str | bytes) -> Path:
    file = folder / "gate.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_defaults() -> None:
    policy = load_policy(None)
    assert policy == Policy()
    assert policy.rules == DEFAULT_RULES
    assert policy.rules["bits_per_char"].test == "non_inferiority"


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_empty_policy_is_the_default(tmp_path: Path, text: str) -> None:
    assert load_policy(saved(tmp_path, text)) == Policy()


def test_every_key(tmp_path: Path) -> None:
    text = """
confidence: 0.9
draws: 500
seed: 3
min_items: 25
undecided: pass
rules:
  bits_per_char: {margin: 0.01}
  bleu: {margin: 2, test: regression}
margins: {msa: 0.05}
improve: [egy]
varieties: [msa, egy]
allow_identical: true
"""
    policy = load_policy(saved(tmp_path, text))
    assert (policy.confidence, policy.draws, policy.seed) == (0.9, 500, 3)
    assert set(policy.rules) == {"bits_per_char", "bleu"}
    assert (policy.margins, policy.improve, policy.varieties) == (
        {"msa": 0.05}, ("egy",), ("msa", "egy"),
    )  # fmt: skip
    assert policy.allow_identical
    assert (policy.min_items, policy.undecided) == (25, "pass")
    assert set(yaml.safe_load(text)) == set(Policy.model_fields)


def test_one_name_is_a_list_of_one(tmp_path: Path) -> None:
    file = saved(tmp_path, "improve: egy\nvarieties: egy\n")
    policy = load_policy(file)
    assert (policy.improve, policy.varieties) == (("egy",), ("egy",))
    assert load_policy(file, {"improve": ("lev",)}).improve == ("egy", "lev")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("confidense: 0.9", r"unknown key 'confidense'\. Did you mean 'confidence'\? Allowed: a"),
        ("rules: {bleu: {margn: 1}}", r"unknown key 'rules\.bleu\.margn'\. Did you mean 'margin'"),
        ("rules: {blue: {margin: 1}}", r"unknown metric 'blue'\. Did you mean 'bleu'"),
        ("margins: {egi: 0.1}", r"unknown variety 'egi'\. Did you mean 'egy'"),
        ("improve: [lav]", r"unknown variety 'lav'\. Did you mean 'lev'"),
        ("varieties: [arz]", r"unknown variety 'arz'.*Allowed: egy, glf"),
        ("improve: 3", r"improve: .*valid tuple\. Given: '3'"),
        ("improve: egi", r"unknown variety 'egi'\. Did you mean 'egy'"),
        ("min_items: 1", r"min_items: .*greater than or equal to 2\. Given: '1'"),
        ("min_items: yes", r"min_items: .*yes and no are no numbers"),
        ("min_items: few", r"min_items: .*integer"),
        ("undecided: stop", r"undecided: .*'block' or 'pass'.*Given: 'stop'"),
        ("confidence: high", r"confidence: .*valid number.*Given: 'high'"),
        ("confidence: 1", r"confidence: .*less than 1\. Given: '1'"),
        ("confidence: 0.5", r"confidence: .*greater than 0\.5"),
        ("confidence: .nan", r"confidence: "),
        ("draws: 10", r"draws: .*200"),
        ("draws: 2000000", r"draws: .*1000000"),
        ("confidence: 0.9999", r"4000 draws are too few for a confidence of 0\.9999; .*50000 or"),
        ("seed: -1", r"seed: .*greater than or equal to 0\. Given: '-1'"),
        ("seed: x", r"seed: .*integer"),
        ("rules: [bleu]", r"rules: .*dictionary"),
        ("rules: {bleu: 1}", r"rules\.bleu: "),
        ("rules: {bleu: {test: regression}}", r"rules\.bleu\.margin: Field required\."),
        (
            "rules: {bleu: {margin: 1, test: maybe}}",
            r": rules\.bleu\.test: Input should be 'non_inferiority' or 'regression'\. "
            r"Given: 'maybe'\.$",
        ),
        ("rules: {bleu: {margin: 1, test: improve}}", r"or 'regression'\. Given: 'improve'"),
        ("rules: {bleu: {margin: 1, test: [regression]}}", r"rules\.bleu\.test: .*'regression'"),
        ("rules: {bleu: {margin: -1}}", r"bleu\.margin: a margin is a finite.*Given: '-1'"),
        ("rules: {bleu: {margin: .inf}}", r"a margin is a finite number of 0 or more"),
        ("rules: {bleu: {margin: .nan}}", r"a margin is a finite number of 0 or more"),
        ("rules: {bleu: {margin: yes}}", r"yes and no are no numbers"),
        ("margins: {egy: -0.1}", r"margins\.egy: .*to demand improvement use `improve`"),
        ("margins: {egy: .nan}", r"margins\.egy: a margin is a finite number"),
        ("margins: {egy: .inf}", r"margins\.egy: a margin is a finite number"),
        ("margins: {egy: true}", r"margins\.egy: yes and no are no numbers"),
        ("rules: {bleu: {margin: 1}}\nmargins: {egy: 0.1}", r"`rules` has none"),
        ("allow_identical: perhaps", r"allow_identical: "),
        ("1: 2", r"Keys should be strings"),
        ("- a\n- b", r"must hold keys and values, but holds a list\. Allowed keys: allow_"),
        ("[]", r"but holds a list"),
        ("0", r"but holds a int"),
        ("just words", r"but holds a str"),
        ("a: [", r"cannot be read"),
        ("a: b: c", r"cannot be read"),
        ("seed: !!python/object/apply:os.getpid []", r"cannot be read: .*python/object"),
        ("!!python/object:arabench.gate.policy.Policy {}", r"cannot be read: .*python/object"),
        ("seed: 2024-13-45", r"holds no valid YAML"),
        ("seed: !!bool x", r"holds no valid YAML"),
        ("seed: !!timestamp x", r"holds no valid YAML"),
        ("[" * 5000, r"cannot be read"),
        (b"seed: \xff\xfe", r"holds no valid YAML"),
        (b"\x00\x01", r"cannot be read"),
    ],
)  # fmt: skip
def test_wrong_policies_are_explained(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(UsageError, match=rf"(?s)policy.*{says}"):
        load_policy(saved(tmp_path, text))


def test_python_tags_run_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    tag = f"improve: !!python/object/apply:os.mkdir [{str(trace)!r}]"
    with pytest.raises(UsageError, match="python/object"):
        load_policy(saved(tmp_path, tag))
    assert not trace.exists()


def test_missing_policy(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            load_policy(path)


def test_overrides_replace_keys_and_add_demands(tmp_path: Path) -> None:
    file = saved(tmp_path, "seed: 1\nimprove: [egy]\nmargins: {egy: 0.0, msa: 0.1}\n")
    overrides: dict[str, Any] = {"seed": 2, "improve": ("lev",), "margins": {"msa": 0.05}}
    policy = load_policy(file, overrides)
    assert policy.seed == 2
    assert policy.improve == ("egy", "lev")
    assert policy.margins == {"egy": 0.0, "msa": 0.05}


def test_overrides_do_not_hide_a_wrong_file(tmp_path: Path) -> None:
    for text in ("margins: [egy]", "rules: 3"):
        with pytest.raises(UsageError, match="policy: "):
            load_policy(saved(tmp_path, text), {"improve": ("egy",)})


def page() -> str:
    root = Path(__file__).resolve().parents[2]
    return (root / "docs" / "gate.md").read_text(encoding="utf-8")


def test_the_page_shows_every_key_with_its_default() -> None:
    block = page().split("```yaml\n")[1].split("```")[0]
    written = yaml.safe_load(block)
    assert Policy.model_validate(written) == Policy()
    assert set(written) == set(Policy.model_fields)
    for line in block.splitlines():
        assert "#" in line, f"the page says nothing of: {line}"


def test_the_page_names_every_test_of_a_rule() -> None:
    for name in (*get_args(Policy.model_fields["undecided"].annotation), *names_for_rules()):
        assert f"`{name}`" in page()
    for field in Rule.model_fields:
        assert f"`{field}`" in page()
