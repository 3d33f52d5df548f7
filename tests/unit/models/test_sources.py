"""Networks of other libraries and of the user's own code, as those libraries run them."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import timm
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from timm.data import create_transform
from torch import nn
from torchvision import models as torchvision_models

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.models.architectures import build, build_with_weights, describe_layers
from codespectra.models.checkpoints import load_checkpoint, write_checkpoint
from codespectra.models.identity import package_file, resolved
from codespectra.models.layer_listing import logits_of
from codespectra.models.own_preprocessing import preprocessing_of
from codespectra.models.state_dicts import load_weights, read_state_dict

CPU = torch.device("cpu")
PLAIN = {"side": None, "mean": [0.5] * 3, "std": [0.25] * 3}
FROM_MODEL = {"source": "model"}
VIT = {"hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32}
VIT |= {"intermediate_size": 20, "patch_size": 8}
OWN = """
import neighbour
from torch import nn

def build(width, fails=False):
    if fails:
        raise RuntimeError("no such width")
    return nn.Sequential(nn.Conv2d(3, width, 3), neighbour.last())

def number():
    return 3
"""


@pytest.fixture
def own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_nets.py").write_text(OWN)
    (tmp_path / "neighbour.py").write_text("from torch import nn\nlast = nn.ReLU\n")
    (tmp_path / "broken.py").write_text("def build(:\n")
    (tmp_path / "other.py").write_text("raise SystemExit('executed')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "my_nets.py"


def own(target: str = "my_nets.py:build", **arguments) -> dict:
    return resolved({"name": "python", "target": target, "arguments": arguments})


def saved(folder: Path, kind: str, config: str, **settings) -> dict:
    """A network of transformers saved in a folder, and the architecture that names it."""
    torch.manual_seed(0)
    network = getattr(transformers, kind)(getattr(transformers, config)(**settings))
    network.save_pretrained(folder)
    return resolved({"name": "transformers", "path": str(folder)})


def random_images(side: int) -> np.ndarray:
    """Smooth images: what is compared is the resizing, not the noise's overshoot."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(256, size=(2, side // 8, side // 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(x).resize((side, side))) for x in coarse])


# The user's own code ------------------------------------------------------------------------------


def test_own_code_is_built_again_from_its_checkpoint(own_code):
    torch.manual_seed(0)
    description = {"architecture": own(width=4), "classes": None, "preprocessing": PLAIN}
    network = build_with_weights(description["architecture"])
    write_checkpoint("a.pt", network, description, metrics={})
    again = load_checkpoint("a.json").network
    images = torch.rand(2, 3, 8, 8)
    assert torch.equal(again(images), network(images))
    (layer, _) = describe_layers(description["architecture"], None, 8)
    assert (layer["axes"], layer["shape"]) == ("NCHW", (4, 6, 6))


@pytest.mark.parametrize("neighbour", ["neighbour.py", "neighbour/__init__.py"])
def test_files_of_two_folders_have_their_own_neighbours(tmp_path, monkeypatch, neighbour):
    folders, times = {"a": nn.ReLU, "b": nn.Tanh}, {"a": 0, "b": 2}
    for folder, last in folders.items():
        beside = tmp_path / folder / neighbour
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(f"from torch import nn\nlast = nn.{last.__name__}\n")
        lazy = OWN.replace("import neighbour\n", "").replace(
            "3\n", "__import__('neighbour').last()\n"
        )
        (tmp_path / folder / "my_nets.py").write_text(OWN)
        (tmp_path / folder / "lazy.py").write_text(lazy)
    # Libraries put things of other kinds among the modules.
    odd = SimpleNamespace(__name__=None, __path__=None, __file__=None)
    monkeypatch.setitem(sys.modules, "odd", odd)
    for folder in ("a", "b", "a"):
        for file, arguments in (("my_nets.py:build", {"width": 2}), ("lazy.py:number", {})):
            network = build(own(f"{tmp_path / folder / file}", **arguments), None)
            last = network[-1] if arguments else network
            assert type(last) is folders[folder], (folder, file)
        # Others change the list as well: then the folder is gone, or there twice.
        here = str(tmp_path / folder)
        sys.path[:] = [place for place in sys.path if place != here] + [here] * times[folder]


def test_changed_code_is_another_network(own_code):
    before = own(width=4)
    neighbour = own_code.with_name("neighbour.py")
    neighbour.write_text(neighbour.read_text() + "\n")
    beside = own(width=4)["sha256"]
    own_code.write_text(OWN + "\n")
    assert len({before["sha256"], beside, own(width=4)["sha256"]}) == 3
    with pytest.raises(UserError, match=r"my_nets.py: its sha256 is .* put the old code back"):
        build(before, None)


@pytest.mark.parametrize(
    ("edited", "target", "seen"),
    [
        ("parts/last.py", "own.py:build", True),
        ("parts/__init__.py", "own.py:build", True),
        ("parts/deep/a.py", "own.py:build", True),
        ("parts/other.py", "own.py:build", False),
        ("mine/nets/wide.py", "mine.nets:build", True),
        ("mine/common.py", "mine.nets:build", True),
        ("mine/__init__.py", "mine.nets.wide:build", True),
        ("mine/other.py", "mine.nets:build", False),
        # Of another installed package nothing counts; its version is another thing.
        ("parts/last.py", "mine.nets:build", False),
        ("single.py", "mine.nets:build", True),
    ],
)
def test_edits_of_packages_that_own_code_imports_are_seen(
    tmp_path, monkeypatch, edited, target, seen
):
    files = {
        "own.py": "import parts.last\n",
        "parts/__init__.py": "",
        "parts/last.py": "from .deep import a\n",
        "parts/deep/a.py": "",
        "parts/other.py": "",
        "mine/__init__.py": "",
        "mine/nets/__init__.py": "from . import wide\nimport parts.last, single\n",
        "mine/nets/wide.py": "from ..common import something\nimport mine\n",
        "mine/common.py": "something = 1\n",
        "mine/other.py": "",
        "single.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        monkeypatch.delitem(sys.modules, module)  # another folder's
    before = own(target)["sha256"]
    (tmp_path / edited).write_text(files[edited] + "# Edited.\n")
    assert (own(target)["sha256"] != before) == seen


@pytest.mark.parametrize(
    ("target", "arguments", "words"),
    [
        ("broken.py:build", {}, r"broken.py: isn't Python \(invalid syntax .*; correct it"),
        ("my_nets.py", {}, "another form than my_nets.py:build"),
        ("missing.py:build", {}, "no such file .*correct the path"),
        ("no_such_package.nets:build", {}, r"no module 'no_such_package.nets' .*pip install"),
        ("my_nets.py:built", {"width": 2}, "AttributeError: .*has no attribute 'built'"),
        ("my_nets.py:build", {"depth": 2}, "TypeError: .*unexpected keyword argument 'depth'"),
        (
            "my_nets.py:build",
            {"width": 2, "fails": True},
            r"my_nets.py:7: raise RuntimeError\(.no such width.\): RuntimeError: no such width",
        ),
        ("my_nets.py:number", {}, "returns a int, expected a torch.nn.Module"),
    ],
)
def test_what_is_wrong_with_a_target_is_one_line(own_code, target, arguments, words):
    with pytest.raises(UserError, match=words) as error:
        build(own(target, **arguments), None)
    assert "\n" not in str(error.value)


def test_a_package_is_looked_at_and_not_run(tmp_path, monkeypatch):
    package = tmp_path / "weights_only"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('executed')\n")
    torch.save({"a": torch.ones(2)}, package / "model.pth")
    monkeypatch.syspath_prepend(tmp_path)
    assert package_file("weights_only", "model.pth") == package / "model.pth"
    with pytest.raises(UserError, match=r"has no '../a.pth'; it holds model.pth"):
        package_file("weights_only", "../a.pth")
    with pytest.raises(UserError, match=r"package: 'os' is a module, which holds no files"):
        package_file("os", "model.pth")
    with pytest.raises(UserError, match=r"package: no module 'not_there' .*pip install"):
        package_file("not_there", "model.pth")


# Libraries ----------------------------------------------------------------------------------------


def test_timm_is_timm():
    torch.manual_seed(0)
    ours = build({"name": "timm", "model": "test_vit"}, None).eval()
    torch.manual_seed(0)
    peer = timm.create_model("test_vit").eval()
    images = torch.rand(2, 3, 160, 160)
    assert torch.equal(ours(images), peer(images))
    assert build({"name": "timm", "model": "test_vit"}, 7)(images).shape == (2, 7)


@pytest.mark.parametrize(
    ("kind", "config", "settings"),
    [
        ("ViTForImageClassification", "ViTConfig", VIT | {"num_labels": 5}),
        ("Dinov2Model", "Dinov2Config", VIT),
        ("ConvNextModel", "ConvNextConfig", {"hidden_sizes": [4, 5, 6, 7], "depths": [1] * 4}),
    ],
)
def test_transformers_folder_gives_its_network_with_its_weights(tmp_path, kind, config, settings):
    architecture = saved(tmp_path / "net", kind, config, **settings)
    peer = getattr(transformers, kind).from_pretrained(tmp_path / "net").eval()
    description = {"architecture": architecture, "classes": None, "preprocessing": PLAIN}
    write_checkpoint(tmp_path / "a.pt", build_with_weights(architecture), description, metrics={})
    shutil.rmtree(tmp_path / "net")  # the checkpoint stands alone
    ours, images = load_checkpoint(tmp_path / "a.json").network, torch.rand(2, 3, 32, 32)
    assert type(ours).__name__ == kind
    with torch.no_grad():
        assert torch.equal(logits_of(ours(images)), logits_of(peer(images)))


def test_the_image_tower_of_two(tmp_path):
    whole = {"vision_config": VIT, "text_config": VIT, "projection_dim": 8}
    architecture = saved(tmp_path / "clip", "CLIPModel", "CLIPConfig", **whole)
    peer = transformers.CLIPModel.from_pretrained(tmp_path / "clip").vision_model.eval()
    ours, images = build_with_weights(architecture).eval(), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(ours(images)[0], peer(images)[0])


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        ({"name": "timm", "model": "vit_tiny_patch16_225"}, "did you mean 'vit_tiny_patch16_224'"),
        ({"name": "torchvision", "model": "resnet51"}, "did you mean 'resnet50'"),
        ({"name": "open_clip", "model": "ViT-B-32", "tower": "visual"}, "pip install open_clip_to"),
        ({"name": "transformers", "path": "a", "config": {"model_type": "vjt"}}, "no model_type"),
        ({"name": "transformers", "path": "a", "config": {"auto_map": {}}}, "refused"),
        (
            {
                **{"name": "transformers", "path": "a"},
                "config": {"model_type": "vit", "attn_implementation": "flash_attention_2"},
            },
            "asks for attn_implementation 'flash_attention_2', which isn't run here",
        ),
    ],
)
def test_what_is_wrong_with_an_architecture_is_one_line(architecture, words):
    if architecture["name"] == "open_clip" and importlib.util.find_spec("open_clip"):
        pytest.skip("open_clip is installed here")
    with pytest.raises(UserError, match=words):
        build(architecture, None)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "mnasnet0_5"])
def test_torchvisions_file_gives_what_its_builder_gives(name, tmp_path, monkeypatch):
    """cases B: what the builder does beside load_state_dict."""
    torch.manual_seed(0)
    options = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    weights = torchvision_models.get_model_weights(name).DEFAULT
    state = torchvision_models.get_model(name, weights=None, **options).state_dict()
    monkeypatch.setattr(
        "torchvision.models._api.load_state_dict_from_url", lambda *_, **__: dict(state)
    )
    if name.startswith("mnasnet"):
        peer = torchvision_models.get_model(name, weights=None)
        peer.load_state_dict(state)
    else:
        peer = torchvision_models.get_model(name, weights=weights)
    torch.save(dict(state), tmp_path / "a.pth")
    ours = build(resolved({"name": "torchvision", "model": name}, "DEFAULT"), None)
    load_weights(ours, read_state_dict(tmp_path / "a.pth"), "a.pth")
    images = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), peer.eval()(images))


def test_densenets_old_names_load(tmp_path):
    network = torchvision_models.densenet121(num_classes=2)
    new = network.state_dict()
    old = {n.replace("norm1", "norm.1").replace("conv2", "conv.2"): v for n, v in new.items()}
    assert set(old) != set(new)
    load_weights(torchvision_models.densenet121(num_classes=2), old, "old.pth")


# Preprocessing ------------------------------------------------------------------------------------


def pixels(architecture: dict, images: np.ndarray) -> tuple[dict, np.ndarray]:
    settings = preprocessing_of(architecture, FROM_MODEL)
    return settings, Preprocess(settings, CPU)(images).numpy()


@pytest.mark.parametrize("side", [300, 224, 96])
@pytest.mark.parametrize("model", ["convnext_tiny", "vit_b_16", "inception_v3"])
def test_pixels_are_torchvisions(model, side):
    images = random_images(side)
    transform = torchvision_models.get_model_weights(model).DEFAULT.transforms()
    _, found = pixels({"name": "torchvision", "model": model}, images)
    for ours, image in zip(found, images, strict=True):
        np.testing.assert_allclose(ours, transform(Image.fromarray(image)), atol=1e-6)


@pytest.mark.parametrize("side", [300, 96])
@pytest.mark.parametrize(
    "model", ["tf_efficientnet_lite0", "vit_small_patch14_reg4_dinov2", "convnext_atto"]
)
def test_pixels_are_timms(model, side):
    images = random_images(side)
    config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(model).to_dict())
    settings, found = pixels({"name": "timm", "model": model}, images)
    assert settings["side"] == config["input_size"][-1]
    for ours, image in zip(found, images, strict=True):
        expected = create_transform(**config)(Image.fromarray(image))
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_every_crop_of_timms_is_what_its_transform_does():
    """By the sizes alone, over all of timm's networks."""
    checked = 0
    for model in timm.list_models():
        known = timm.get_pretrained_cfg(model).to_dict()
        config = timm.data.resolve_data_config(pretrained_cfg=known)
        pads = config["crop_mode"] == "border" or config["crop_pct"] > 1
        if pads or len({*config["input_size"][1:]}) > 1:
            with pytest.raises(UserError, match="give side, mean and std"):
                preprocessing_of({"name": "timm", "model": model}, FROM_MODEL)
            continue
        resize, crop = create_transform(**config).transforms[:2]
        settings = preprocessing_of({"name": "timm", "model": model}, FROM_MODEL)
        expected = resize.size if isinstance(resize.size, int) else resize.size[0]
        assert (settings["resize"], settings["side"]) == (expected, crop.size[0]), model
        checked += 1
    assert checked > 1000


@pytest.mark.parametrize(
    "kind", ["ViTImageProcessorPil", "CLIPImageProcessorPil", "DeiTImageProcessorPil"]
)
def test_pixels_are_transformers(kind, tmp_path):
    processor = getattr(transformers, kind)()
    architecture = saved(tmp_path, "ViTModel", "ViTConfig", **VIT)
    processor.save_pretrained(tmp_path)
    architecture = resolved({"name": "transformers", "path": str(tmp_path)})
    images = random_images(300)
    _, found = pixels(architecture, images)
    expected = processor(list(images), return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("ViT", {"do_rescale": False}, "ViTImageProcessor does more than to resize, crop"),
        ("ViT", {"rescale_factor": 1 / 127}, "does more than to resize, crop, scale"),
        ("ViT", {"resample": 1}, "interpolation 'unknown' isn't one of"),
        ("ViT", {"size": {"height": 100, "width": 200}}, "does more than to resize, crop"),
        ("ViT", {"size": {"height": 10**6, "width": 10**6}}, "a crop of 1000000 pixels"),
        ("ViT", {"size": None}, "no processor of images of transformers .*; give side, resize"),
        ("ViT", {"image_processor_type": "os"}, "no processor of images of transformers"),
        ("ConvNext", {"size": {"shortest_edge": 224}}, "ConvNextImageProcessor does more than"),
        ("Levit", {}, "LevitImageProcessor does more than to resize, crop, scale and normalise"),
        ("MobileViT", {"size": {"shortest_edge": 256}}, "MobileViTImageProcessor does more than"),
    ],
)
def test_a_processor_that_does_more_is_refused(kind, changes, words):
    processor = json.loads(getattr(transformers, f"{kind}ImageProcessorPil")().to_json_string())
    architecture = {"name": "transformers", "path": "net", "preprocessor": processor | changes}
    with pytest.raises(UserError, match=words):
        preprocessing_of(architecture, FROM_MODEL)


def test_an_unknown_tag_of_torchvisions_names_the_nearest():
    architecture = resolved({"name": "torchvision", "model": "resnet18"}, "IMAGENET_V1")
    with pytest.raises(UserError, match="no 'IMAGENET_V1' of resnet18; did you mean 'IMAGENET1K_V"):
        preprocessing_of(architecture, FROM_MODEL)


def test_own_code_brings_no_preprocessing():
    with pytest.raises(UserError, match=r"python brings no preprocessing.*give side, mean and std"):
        preprocessing_of({"name": "python"}, FROM_MODEL)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_gradients_go_through_the_same_resizing(interpolation):
    """torch's resizing of numbers is Pillow's of bytes but for their rounding."""
    settings = PLAIN | {"side": 20, "resize": 24, "interpolation": interpolation}
    images = random_images(64)
    rounded = Preprocess(settings, CPU).pixels(images)
    exact = Preprocess(settings, CPU).pixels(torch.tensor(images, dtype=torch.float32))
    assert rounded.shape == exact.shape == (2, 3, 20, 20)
    assert (rounded - exact).abs().max() < 1.5 / 255


# State dicts --------------------------------------------------------------------------------------

WRAPS = {
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state},
    "module.": lambda state: {f"module.{name}": value for name, value in state.items()},
    "_orig_mod.": lambda state: {f"_orig_mod.{name}": value for name, value in state.items()},
    "n_averaged": lambda state: (
        {"n_averaged": torch.tensor(3)} | {f"module.{name}": value for name, value in state.items()}
    ),
}


@given(st.lists(st.sampled_from(sorted(WRAPS)), max_size=5))
def test_wrappers_come_off_in_any_order(tmp_path_factory, wraps):
    plain = state = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).state_dict()
    for wrap in wraps:
        wrapped = any(isinstance(value, dict) for value in state.values())
        state = (
            WRAPS[wrap](state) if ("." not in wrap and "n_" not in wrap) or not wrapped else state
        )
    path = tmp_path_factory.mktemp("wrapped") / "a.pt"
    torch.save(state, path)
    assert set(read_state_dict(path)) == set(plain)


def test_what_only_training_counts_may_be_missing_or_there():
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    state = {n: v for n, v in network.state_dict().items() if "num_batches" not in n}
    load_weights(network, state, "a.pt")
    load_weights(network, network.state_dict() | {"n_averaged": torch.tensor(1)}, "a.pt")


def test_prefixes_keys_and_classes_are_named_and_can_be_given(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Linear(2, 4))
    state = {f"backbone.{name}": value for name, value in network.state_dict().items()}
    torch.save({"student": state | {"head.weight": torch.ones(2)}}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="holds no state dict"):
        read_state_dict(tmp_path / "a.pt")
    with pytest.raises(UserError, match="no key 'teacher'; it holds student"):
        read_state_dict(tmp_path / "a.pt", key="teacher")
    found = read_state_dict(tmp_path / "a.pt", key="student", strip_prefix="backbone")
    load_weights(network, found, "a.pt")
    with pytest.raises(
        UserError, match=r"all its names begin with backbone.: set strip_prefix: ba"
    ):
        load_weights(network, state, "a.pt")
    with pytest.raises(UserError, match="set the model's classes: 4"):
        load_weights(nn.Sequential(nn.Conv2d(3, 2, 1), nn.Linear(2, 10)), found, "a.pt")
