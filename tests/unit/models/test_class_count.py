"""Classes of weights, which a config may leave out."""

import pytest
import torch

from codespectra.errors import UserError
from codespectra.models.architectures import build
from codespectra.models.class_count import classes_of, count_classes

NETWORKS = {
    "small_alexnet": {"name": "small_alexnet", "widths": [2, 3, 4, 3, 2]},
    "bottleneck_resnet": {
        "name": "bottleneck_resnet",
        "width": 2,
        "blocks": [1] * 4,
        "stem_stride": 2,
    },
    "pytorch_cifar10": {"name": "pytorch_cifar10", "model": "resnet18"},
    "torchvision": {"name": "torchvision", "model": "vgg11"},
    "auxiliary heads": {"name": "torchvision", "model": "inception_v3"},
    "timm": {"name": "timm", "model": "test_vit"},
    "a convolution as head": {"name": "torchvision", "model": "squeezenet1_1"},
}


@pytest.mark.parametrize("architecture", NETWORKS.values(), ids=NETWORKS)
def test_classes_are_those_that_the_weights_were_made_with(architecture):
    with torch.device("meta"):
        state = build(architecture, 23).state_dict()
    assert classes_of(architecture, state) == 23


def test_names_of_another_library_are_known():
    architecture = {"name": "timm", "model": "tf_efficientnet_lite0"}
    state = {"_conv_stem.weight": torch.zeros(1), "_fc.weight": torch.zeros(23, 1280)}
    assert classes_of(architecture, state) == 23


def test_weights_without_a_head_tell_none():
    architecture = NETWORKS["small_alexnet"]
    state = build(architecture, 23).features.state_dict()
    assert classes_of(architecture, state) is None
    assert classes_of({"name": "python", "target": "not.there:build"}, state) is None


def test_a_file_is_read_as_its_import_reads_it(tmp_path):
    architecture = NETWORKS["small_alexnet"]
    inner = {f"net.{name}": value for name, value in build(architecture, 5).state_dict().items()}
    torch.save({"best": {"state_dict": inner}}, tmp_path / "a.pt")
    assert count_classes(architecture, str(tmp_path / "a.pt"), "best", "net", None) == 5
    with pytest.raises(UserError, match="no key 'last'"):
        count_classes(architecture, str(tmp_path / "a.pt"), "last", None, None)


def test_torchvisions_own_weights_have_a_thousand():
    architecture = {"name": "torchvision", "model": "resnet18", "published": "DEFAULT"}
    assert count_classes(architecture, None, None, None, None) == 1000
