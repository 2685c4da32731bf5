"""Settings in YAML: read strictly, and told in one sentence what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from arabench.errors import UsageError
from arabench.files.settings import Number, Section, read_mapping, validate


class Wheel(Section):
    model_config = ConfigDict(json_schema_extra={"examples": ["{size: 28, tyre: wide}"]})

    size: Number = Field(gt=0)
    tyre: Literal["wide", "narrow"] = "wide"


def _no_seven(value: Any) -> Any:
    if value == 7:
        raise ValueError("seven is unlucky; choose another")
    return value


class Engine(Section):
    power: int = 1
    fuel: str | None = None


class Car(Section):
    name: str = "none"
    seats: Annotated[int, BeforeValidator(_no_seven)] = 4
    engine: Engine | None = None
    wheels: dict[str, Wheel] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    electric: bool = False

    @model_validator(mode="after")
    def _someone_drives(self) -> Car:
        if self.seats == 0:
            raise ValueError("seats is 0, but someone must drive")
        return self


def read(folder: Path, text: str | bytes) -> dict[Any, Any]:
    file = folder / "car.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_mapping(file, "car", Car)


def complaint(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UsageError) as caught:
        validate(Car, read(folder, text), "car")
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "name: a\nseats: 2\nname: b",
            "on line 3: the key 'name' is given twice, first on line 1.",
        ),
        ("engine:\n  power: 1\n  'power': 2", "on line 3: the key 'power' is given twice, first"),
        ("wheels: {a: {size: 1}, a: {size: 2}}", "the key 'a' is given twice, first on line 1."),
        ("1: a\n1: b", "on line 2: the key '1' is given twice"),
        ("name: [", "car.yaml' is no valid YAML on line 1: expected the node content"),
        ("name: *x", "is no valid YAML on line 1: found undefined alias 'x'."),
        ("engine:\n\tpower: 1", "is no valid YAML on line 2: found character '\\t' that cannot"),
        ("? [a]\n: b", "is no valid YAML on line 1: found unhashable key."),
        ("name: \0", "is no valid YAML: unacceptable character #x0000"),
        ("seats: !!int x", "is no valid YAML: a value does not fit its type"),
        ("seats: " + "9" * 5000, "is no valid YAML: a value does not fit its type"),
        ("[" * 5000, "is no valid YAML: it is nested too deeply."),
        (b"\xd9\x85\xff", "cannot be read: it is no UTF-8 (byte 3 is 0xff). Save it as UTF-8."),
        ("- a", "must hold keys and values, but holds a list. Allowed keys: electric, engine, "),
        ("يد", "must hold keys and values, but holds text."),
        ("2", "but holds a number."),
        ("yes", "but holds yes or no."),
        ("!!set {a}", "but holds something else."),
    ],
)
def test_files_that_hold_no_settings(tmp_path: Path, text: str | bytes, says: str) -> None:
    assert says in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nam: a", "car: unknown key 'nam'. Did you mean 'name'? Allowed: electric, engine, name"),
        ("power: 3", "unknown key 'power'. Did you mean 'engine.power'? Allowed: electric, engine"),
        ("engine: {seats: 3}", "unknown key 'engine.seats'. Allowed: fuel, power."),
        (
            "wheels: {left: {sise: 3}}",
            "unknown key 'wheels.left.sise'. Did you mean 'size'? Allowed",
        ),
        ("size: 3", "unknown key 'size'."),
        ("engine: 3", "'engine' is a section with the keys power, fuel, not 3."),
        ("wheels: 3", "wheels: Input should be keys and values, not 3."),
        (
            "wheels: {left: 3}",
            "'wheels.left' is a section with the keys size, tyre, not 3. "
            "For example: {size: 28, tyre: wide}.",
        ),
        (
            "wheels: {left: {tyre: wide}}",
            "key 'wheels.left.size' is missing. It is required. For example: {size: 28, ",
        ),
        (
            "wheels: {left: {size: big}}",
            "wheels.left.size: Input should be a valid number, not 'big'",
        ),
        ("wheels: {1: {size: 2}}", "wheels.1: Input should be text, not 1."),
        ("tags: a", "tags: Input should be a list, not 'a'."),
        ("electric: 1", "electric: Input should be true or false, not 1."),
        ("seats: 7", "seats: seven is unlucky; choose another. Given: 7."),
        ("seats: 0", "car: seats is 0, but someone must drive."),
        ("seats: true", "seats: Input should be a valid integer, not True."),
        ("name: 3", "name: Input should be text, not 3."),
        ("tags: &x [*x]", "tags"),
    ],
)
def test_the_first_problem_in_words(tmp_path: Path, text: str, says: str) -> None:
    message = complaint(tmp_path, text)
    assert says in message
    assert "instance of" not in message
    assert "dictionary" not in message


def test_a_value_that_holds_much_is_cut(tmp_path: Path) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdef", "bcdefg")]  # noqa: B905
    anchors = "engine: {" + ", ".join(lines) + "}\n"
    message = complaint(tmp_path, anchors.replace("engine", "seats"))
    assert len(message) < 500
    assert len(complaint(tmp_path, f"seats: {'x' * 10_000}")) < 300


def test_dates_are_text(tmp_path: Path) -> None:
    for written in ("2024-01-31", "2024-13-45", "!!timestamp 2024-01-31", "2024-01-31T10:00:00Z"):
        car = validate(Car, read(tmp_path, f"name: {written}"), "car")
        assert car.name == written.removeprefix("!!timestamp ")


def test_merged_keys_may_be_replaced(tmp_path: Path) -> None:
    text = """
wheels:
  right: {<<: &both {size: 28, tyre: wide}, tyre: narrow}
  left: &left {<<: *both, size: 26}
  spare: {<<: *left, size: 20}
"""
    wheels = validate(Car, read(tmp_path, text), "car").wheels
    assert {name: (wheel.size, wheel.tyre) for name, wheel in wheels.items()} == {
        "right": (28, "narrow"), "left": (26, "wide"), "spare": (20, "wide"),
    }  # fmt: skip


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^car '.*none\.yaml' does not exist\.$"):
        read_mapping(tmp_path / "none.yaml", "car", Car)
    with pytest.raises(UsageError, match=r"cannot be read: Is a directory\.$"):
        read_mapping(tmp_path, "car", Car)
    (tmp_path / "a").write_text("")
    with pytest.raises(UsageError, match=r"cannot be read: Not a directory\.$"):
        read_mapping(tmp_path / "a" / "b", "car", Car)
    with pytest.raises(UsageError, match=r"cannot be read: File name too long\.$"):
        read_mapping(tmp_path / ("x" * 300), "car", Car)


def test_an_empty_file_holds_no_keys(tmp_path: Path) -> None:
    for text in ("", "# a comment\n", "---\n", "null\n", "\ufeff"):
        assert read(tmp_path, text) == {}


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    for written in ("1e-3", "1E-3", "0.001", "'1e-3'"):
        found = validate(Car, read(tmp_path, f"wheels: {{a: {{size: {written}}}}}"), "car")
        assert found.wheels["a"].size == 0.001
