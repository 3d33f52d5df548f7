"""Names of the zoo: those of the libraries, globs over them, and what the user's table tells."""

import re
from pathlib import Path

import pytest
import timm
import torchvision

from codespectra.errors import UserError
from codespectra.models.library_names import library_names
from codespectra.study.problems import Problems
from codespectra.study.sections.zoo import Zoo
from codespectra.study.zoo_networks import ZooNetworks, read_zoo_table, zoo_networks


def expanded(**section) -> ZooNetworks:
    problems = Problems()
    found = zoo_networks(Zoo.model_validate({"stimuli": "tiles"} | section), problems)
    problems.raise_any()
    return found


def test_names_are_those_of_the_libraries():
    assert list(library_names("timm")) == sorted(timm.list_models())
    classifiers = torchvision.models.list_models(module=torchvision.models)
    assert list(library_names("torchvision")) == sorted(classifiers)


def test_globs_are_expanded_in_order_each_network_once():
    found = expanded(networks=["timm:test_vit?", "torchvision:resnet18", "timm:test_vit*"])
    vits = [f"timm:test_vit{number}" for number in (2, 3, 4)]
    assert list(found.by_key) == [
        *vits,
        "torchvision:resnet18",
        "timm:test_vit",
        "timm:test_vit_relpos",
    ]
    assert found.matched == {"timm:test_vit?": 3, "torchvision:resnet18": 1, "timm:test_vit*": 5}
    assert list(expanded(networks=["timm:resnet50.a1_in1k"]).by_key) == ["timm:resnet50.a1_in1k"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet18", "'resnet18' names no library; write timm:NAME or torchvision:NAME"),
        ("keras:vgg", "'keras:vgg' names no library"),
        ("timm:resnt18", "timm has no network 'resnt18'; did you mean 'resnet18'?"),
        ("torchvision:resnet18.tag", "torchvision has no network 'resnet18.tag'"),
        ("timm:resnet18./../x", "timm has no network"),
        ("timm:nothing*", "'timm:nothing*' matches none of timm's"),
    ],
)
def test_a_name_that_means_nothing_is_told(name, words):
    with pytest.raises(UserError, match=f"^config: zoo.networks: .*{re.escape(words)}"):
        expanded(networks=[name])


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines))
    return path


def test_a_table_tells_of_networks_and_names_them_where_the_config_does_not(tmp_path):
    lines = "timm:resnet18,hub,0.7,2015", "torchvision:vgg11,mine/vgg.pt,,", "timm:vgg11,,,2014"
    table = str(write(tmp_path / "t.csv", "network,weights,accuracy,year", *lines))
    first, second, third = expanded(table=table).by_key.values()
    assert (first.weights, first.accuracy, first.year, first.file) == ("hub", 0.7, 2015, None)
    assert (second.file, second.accuracy, second.year) == ("mine/vgg.pt", None, None)
    assert (third.weights, third.year) == ("random", 2014)
    chosen = expanded(table=table, networks=["timm:vgg1[13]"])
    assert [one.year for one in chosen.by_key.values()] == [2014, None] and chosen.untold == 2


def test_weights_of_a_folder_are_found_by_name(tmp_path):
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm/resnet18.pth").touch()
    names = ["timm:resnet18", "timm:resnet34"]
    found = expanded(networks=names, weights="folder", folder=str(tmp_path)).by_key
    files = [str(tmp_path / "timm" / name) for name in ("resnet18.pth", "resnet34.safetensors")]
    assert [one.file for one in found.values()] == files


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["model,top1", "resnet18,70"], "has the column 'model'; expected network and"),
        (["year", "2015"], "has no column network"),
        (["network,year,year", "timm:a,1,2"], "has the column 'year'"),
        (["network"], "has no rows"),
        (["network", "timm:a", "timm:a"], "row 2: timm:a stands there twice"),
        (["network,accuracy", "timm:a,71.3"], "row 1: accuracy '71.3', expected a share"),
        (["network,accuracy", "timm:a,nan"], "row 1: accuracy 'nan', expected a share"),
        (["network,year", "timm:a,15"], "row 1: year '15', expected one from 1950"),
        (["network,weights", "timm:a,{x}"], "row 1: weights '{x}', expected random, hub or"),
        (["network,year", "timm:a"], "row 1: has more or fewer fields"),
        (["network", "timm:a,1"], "row 1: has more or fewer fields"),
    ],
)
def test_a_table_of_another_kind_is_refused_in_one_line(tmp_path, lines, words):
    with pytest.raises(UserError, match=re.escape(words)) as error:
        read_zoo_table(write(tmp_path / "t.csv", *lines))
    assert "\n" not in str(error.value)


def test_a_table_that_is_no_file_is_told_of_the_config(tmp_path):
    with pytest.raises(UserError, match=r"^config: zoo.table: .*not a readable table"):
        expanded(table=str(tmp_path / "none.csv"))
