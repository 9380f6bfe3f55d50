"""Bad study files and bad CSVs: each gets an error of its own that says where and what, and the log stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bbo
from bbo.errors import InvalidStudy, InvalidTell
from bbo.files.cells import Layout
from bbo.files.matching import Options, tell_sheet
from bbo.files.reading import read_sheet
from bbo.files.study_file import read_study_file

X = "space: {x: {float: [0, 1]}, y: {float: [0, 1]}}\nobjectives: minimize\n"

BAD_STUDY_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty; a study file is a mapping"),
    "a list": ("- x\n- y\n", "is a list; a study file is a mapping"),
    "no YAML": ("space: {x: {float: [0, 1]}\nobjectives: minimize\n", r":\d: not sound YAML"),
    "a tab": ("space:\n\tx: {float: [0, 1]}\n", ":2: not sound YAML.*tab|:2: not sound YAML.*start any token"),
    "a key twice": (X + "seed: 1\nseed: 2\n", ":4: not sound YAML.*duplicate key"),
    "two documents": (X + "---\n" + X, "not sound YAML.*another document"),
    "an object": (X + "seed: !!python/object:os.system {}\n", ":3: not sound YAML.*tag"),
    "a value in itself": ("space: &s {x: *s}\nobjectives: minimize\n", "contains itself"),
    "no UTF-8": ("objectives: minimize # Größe".encode("latin-1"), "is not UTF-8 text"),
    "unknown key": (X + "optimiser: sobol\n", ":3: unknown key 'optimiser'; did you mean 'optimizer'"),
    "no space": ("objectives: minimize\n", "the key 'space' is missing"),
    "no objectives": ("space: {x: {float: [0, 1]}}\n", "the key 'objectives' is missing"),
    "an empty space": ("space: {}\nobjectives: minimize\n", ":1: space is {}: write the parameters by name"),
    "constraints inside space": (
        "objectives: minimize\nspace:\n  x: {float: [0, 1]}\n  constraints: [x <= 1]\n",
        ":2: space is .*constraints stand beside space",
    ),
    "a number alone": ("objectives: minimize\nspace:\n  x: 3\n", ":3: parameter 'x' is 3; it must be a mapping"),
    "unknown kind": ("objectives: minimize\nspace:\n  x: {flaot: [0, 1]}\n", ":3: parameter 'x' must have exactly one of the keys"),
    "unknown option": ("objectives: minimize\nspace:\n  x: {float: [0, 1], lgo: true}\n", ":3: parameter 'x': unknown key 'lgo'.*'log'"),
    "a reversed range": (
        "objectives: minimize\nspace:\n  y: {float: [0, 1]}\n  x: {float: [80, 20]}\n",
        ":4: parameter 'x': .*is reversed",
    ),
    "one bound": ("objectives: minimize\nspace:\n  x: {float: 20}\n", r":3: parameter 'x': float takes \[low, high\], got 20"),
    "log of zero": ("objectives: minimize\nspace:\n  x: {float: [0, 1], log: true}\n", ":3: parameter 'x': .*low > 0"),
    "text as a bound": ("objectives: minimize\nspace:\n  x: {float: [0, 1O]}\n", ":3: parameter 'x': .*must be a number"),
    "a choice twice": ("objectives: minimize\nspace:\n  x: {categorical: [a, a]}\n", ":3: parameter 'x': .*twice"),
    "a condition on nothing": (
        "objectives: minimize\nspace:\n  x: {float: [0, 1]}\n  y: {float: [0, 1], when: {z: 1}}\n",
        ":4: when of parameter 'y': unknown name 'z'",
    ),
    "a constraint on nothing": (X + "constraints:\n  - x + y <= 1\n  - x + z <= 1\n", ":5: constraint 'x [+] z <= 1': unknown name 'z'"),
    "a constraint that is none": (X + "constraints:\n  - x + y\n", ":4: .*is not a condition"),
    "a constraint that acts": (X + "constraints:\n  - __import__('os') <= 1\n", ":4: .*"),
    "constraints that exclude each other": (X + "constraints:\n  - x + y <= 0.5\n  - x - y >= 0.9\n", ":[345]: .*x [+] y <= 0.5"),
    "an unknown direction": (X.replace("minimize", "minimise"), ":2: objective 'value': direction is 'minimise'"),
    "an unknown key of an objective": (
        "space: {x: {float: [0, 1]}}\nobjectives:\n  loss: {direction: minimize, std: 1}\n",
        ":3: unknown key 'objectives.loss.std'; did you mean 'sd'",
    ),
    "two rankings": (
        "space: {x: {float: [0, 1]}}\nobjectives:\n  a: {direction: minimize, feedback: ranking}\n  b: minimize\n",
        ":2: objectives: a ranking is told of one objective alone",
    ),
    "an outcome constraint that is none": (X + "outcome_constraints:\n  - fast\n", ":3: outcome constraint 'fast': write"),
    "an unknown optimizer": (X + "optimizer: sobal\n", ":3: optimizer: no optimizer is called 'sobal'; there are"),
    "an unknown setting": (X + "optimizer: {name: grid, settings: {resolutoin: 3}}\n", ":3: optimizer 'grid' has no setting 'resolutoin'"),
    "an unknown pruner": (X + "pruner: hyperband\n", ":3: pruner: .*'hyperband'"),
    "a seed of letters": (X + "seed: lucky\n", ":3: seed is 'lucky'"),
    "a seed with a fraction": (X + "seed: 1.5\n", ":3: seed is 1.5"),
    "a name that is a number": (X + "name: 7\n", ":3: name is 7"),
}


@pytest.mark.parametrize("case", BAD_STUDY_FILES)
def test_bad_study_file(tmp_path: Path, case: str) -> None:
    content, message = BAD_STUDY_FILES[case]
    path = tmp_path / "week.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidStudy, match=message) as caught:
        read_study_file(path)
    assert str(caught.value).startswith(str(path))
    assert list(tmp_path.iterdir()) == [path]


def test_a_study_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidStudy, match="bbo create --template"):
        read_study_file(tmp_path / "week.yaml")
    with pytest.raises(InvalidStudy, match="cannot be read"):
        read_study_file(tmp_path)


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "week.yaml"
    path.write_text("nme: x\nseed: y\nobjectives: minimize\n")
    with pytest.raises(InvalidStudy) as caught:
        read_study_file(path)
    assert [line.split(":")[1] for line in str(caught.value).splitlines()[1:]] == ["1", "2"]
    assert "'space' is missing" in str(caught.value)


HEAD = "trial,T,mix.water,mix.THF,mix.MeOH,cat,yield,impurity,sd.yield,sd.impurity,failed,note\n"
ROW = "0,60,0.5,0.25,0.25,Pd,0.7,0.02,,,,\n"

BAD_CSVS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "names none of this study's columns|is empty"),
    "no CSV at all": (b"PK\x03\x04\x00\x00trial", "zero bytes"),
    "UTF-16": (HEAD.encode("utf-16"), "UTF-8"),
    "Latin-1": (HEAD.encode() + ROW.encode().replace(b"Pd", "Größe".encode("latin-1")), "line 2 is not UTF-8"),
    "a foreign header": ("name,street\nAda,1\n", "line 1 names none of this study's columns"),
    "an unknown column": (HEAD.replace("yield,", "yeild,", 1) + ROW, "line 1: unknown column 'yeild'; did you mean 'yield'"),
    "a column twice": (HEAD.replace("note", "T") + ROW, "line 1 names the column 'T' twice"),
    "a cell too many": (HEAD + ROW.replace("0.7", "0.7,1"), "line 2 has 13 cells where the header has 12"),
    "decimal commas between commas": (HEAD + ROW.replace("0.7", "0,7"), "line 2 has 13 cells.*';' between the cells"),
    "a cell too few": (HEAD + "0,60\n", "line 2 has 2 cells where the header has 12"),
    "an open quote": (HEAD + ROW.replace("Pd", '"Pd'), "line 2 is no sound CSV"),
    "text after a quote": (HEAD + ROW.replace("Pd", '"Pd"x'), "line 2 is no sound CSV"),
    "both decimal marks": (HEAD.replace(",", ";") + "0;60,5;;;;;0.7;;;;;\n", "both with a decimal point and with a comma"),
    "a trial of letters": (HEAD + ROW.replace("0,60", "first,60", 1), "line 2: trial is 'first'"),
    "a trial with a fraction": (HEAD + ROW.replace("0,60", "0.0,60", 1), "line 2: trial is '0.0'"),
    "an unknown trial": (HEAD + ROW.replace("0,60", "9,60", 1), "line 2: no trial 9 .*open trials: 0, 1"),
    "a trial twice": (HEAD + ROW + ROW, "line 3: trial 0 stands in line 2 already"),
    "text as an outcome": (HEAD + ROW.replace("0.7", "n.d."), "line 2: yield is 'n.d.'; it is a finite number"),
    "NaN": (HEAD + ROW.replace("0.7", "nan"), "line 2: yield is 'nan'"),
    "infinity": (HEAD + ROW.replace("0.7", "inf"), "line 2: yield is 'inf'"),
    "thousands": (HEAD + ROW.replace("0.7", '"1,234.5"'), r"line 2: yield is '1,234\.5'"),
    "text as a parameter": (HEAD + ROW.replace("60", "warm"), "line 2: T is 'warm'; it is a finite number"),
    "out of range": (HEAD + ROW.replace("60", "95"), r"line 2: .*T=95\.0 is out of range.*80.*--outside"),
    "an unknown choice": (HEAD + ROW.replace("Pd", "Pt"), "line 2: .*cat='Pt' is not one of the choices"),
    "shares that do not add up": (HEAD + ROW.replace("0.25,0.25", "0.25,0.35"), "line 2: .*shares add up to 1.1"),
    "a share left out": (HEAD + ROW.replace("0.25,0.25", "0.4,"), "line 2: mix.MeOH is empty.*write 0"),
    "failed and measured": (HEAD + ROW.replace(",,,,\n", ",,,burnt,\n"), "line 2: failed is 'burnt', and yield is 0.7"),
    "not failed": (HEAD + ROW.replace(",,,,\n", ",,,no,\n"), "line 2: failed is 'no'; leave it empty"),
    "sd of nothing": (HEAD + "0,60,0.5,0.25,0.25,Pd,,,0.1,,,\n", "line 2: sd.yield is given, and yield itself is empty"),
    "a negative sd": (HEAD + ROW.replace("0.02,,", "0.02,-0.1,"), "line 2: .*sd of yield is -0.1"),
    "an added point with a part of its outcomes": (
        HEAD + ROW.replace("0,60", ",60", 1).replace("0.02", ""),
        "line 2: .*impurity is missing",
    ),
    "an added point with a part of its parameters": (HEAD + ",,0.5,0.25,0.25,Pd,0.7,0.02,,,,\n", "line 2: .*parameter 'T' is missing"),
}


@pytest.mark.parametrize("case", BAD_CSVS)
def test_bad_csv(study: bbo.Study, layout: Layout, log: Callable[[], list[str]], tmp_path: Path, case: str) -> None:
    content, message = BAD_CSVS[case]
    path = tmp_path / "week.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = log()
    with pytest.raises(InvalidTell, match=message) as caught:
        tell_sheet(study, read_sheet(path, layout), layout, Options(), lambda _: True)
    assert str(path) in str(caught.value)
    assert log() == before


def test_a_csv_that_is_not_there(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(InvalidTell, match="bbo ask --csv"):
        read_sheet(tmp_path / "week.csv", layout)
    with pytest.raises(InvalidTell, match="cannot be read"):
        read_sheet(tmp_path, layout)
