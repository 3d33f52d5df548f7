"""ResNet-VAE: the original's checkpoint layout, dropout where it is asked for, images back."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision import models as torchvision_models

from codespectra.models.architectures import build, describe_layers
from codespectra.models.layer_listing import inspect_layers
from codespectra.models.resnet_vae import ResNetVAE
from codespectra.models.state_dicts import load_weights, read_state_dict

# Paper A's: a ResNet-18 of full width.
FULL = {
    "name": "resnet_vae",
    "encoder": {"name": "torchvision", "model": "resnet18"},
    "hidden": (1024, 1024),
    "latent": 256,
    "dropout": 0.2,
    "dropout_sites": "relu",
}
SMALL = FULL | {
    "encoder": {"name": "basic_resnet", "width": 2, "blocks": (1, 1, 1, 1), "stem_stride": 2},
    "hidden": (12, 10),
    "latent": 5,
}
SITES = ("relu", "encoder_relu", "stage")
CLASSES = 7

# What the original's state dict holds besides the encoder.
NORMALISED = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
LINEAR = {
    "fc1": (1024, 512),
    "fc2": (1024, 1024),
    "fc3_mu": (256, 1024),
    "fc3_logvar": (256, 1024),
    "fc4": (1024, 256),
    "fc5": (1024, 1024),
}
TRANSPOSED = {"convTrans6": (64, 32), "convTrans7": (32, 8), "convTrans8": (8, 3)}
NORMALISERS = {
    "bn1": 1024,
    "bn2": 1024,
    "fc_bn4": 1024,
    "fc_bn5": 1024,
    "convTrans6.1": 32,
    "convTrans7.1": 8,
    "convTrans8.1": 3,
}
MOVED = {
    "conv1": "resnet.0",
    "bn1": "resnet.1",
    "layer1": "resnet.4",
    "layer2": "resnet.5",
    "layer3": "resnet.6",
    "layer4": "resnet.7",
}


def network(seed: int = 0, **changes: Any) -> ResNetVAE:
    """A small network in evaluation mode, its BatchNorm statistics unlike those of a fresh one."""
    torch.manual_seed(seed)
    built = build(SMALL | changes, CLASSES).train()
    with torch.no_grad():
        for _ in range(3):
            built(torch.randn(16, 3, 32, 32))
    return built.eval()


def images(count: int = 4, side: int = 32) -> torch.Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(9))


def on_meta(architecture: dict[str, Any]) -> ResNetVAE:
    with torch.device("meta"):
        return build(architecture, CLASSES)


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


# Checkpoint layout -------------------------------------------------------------------------------


def original_layout() -> dict[str, tuple[int, ...]]:
    """Keys and shapes of the original's checkpoints, without this project's network."""
    with torch.device("meta"):
        encoder = shapes(torchvision_models.resnet18())
    expected = {}
    for name, shape in encoder.items():
        module, _, rest = name.partition(".")
        if module != "fc":
            expected[f"{MOVED[module]}.{rest}"] = shape
    for name, (units, inputs) in LINEAR.items():
        expected |= {f"{name}.weight": (units, inputs), f"{name}.bias": (units,)}
    for name, (channels, out_channels) in TRANSPOSED.items():
        expected[f"{name}.0.weight"] = (channels, out_channels, 3, 3)
        expected[f"{name}.0.bias"] = (out_channels,)
    for name, units in NORMALISERS.items():
        for part in NORMALISED:
            expected[f"{name}.{part}"] = () if part == "num_batches_tracked" else (units,)
    return expected


def test_keys_and_shapes_are_those_of_the_originals_checkpoints() -> None:
    found = shapes(on_meta(FULL))
    assert found == original_layout()
    assert len(found) == 173
    for name in ("resnet.0.weight", "resnet.1.running_var", "resnet.4.0.conv1.weight"):
        assert name in found
    assert found["resnet.5.0.downsample.0.weight"] == (128, 64, 1, 1)


@pytest.mark.parametrize("sites", SITES)
@pytest.mark.parametrize("dropout", [0.0, 0.8])
def test_dropout_leaves_the_layout_alone(sites: str, dropout: float) -> None:
    changed = FULL | {"dropout": dropout, "dropout_sites": sites}
    assert shapes(on_meta(changed)) == original_layout()


def test_file_in_the_originals_layout_gives_the_same_outputs(tmp_path: Path) -> None:
    theirs = network(dropout_sites="encoder_relu", dropout=0.4)
    torch.save({"state_dict": theirs.state_dict(), "epoch": 19}, tmp_path / "resnet_vae_0.4_19.pth")
    ours = network(seed=1, dropout_sites="relu", dropout=0.2)
    with torch.no_grad():
        before = ours(images())
        load_weights(ours, read_state_dict(tmp_path / "resnet_vae_0.4_19.pth"), "theirs")
        assert torch.equal(ours(images()), theirs(images()))
        assert not torch.equal(ours(images()), before)


# Layers ------------------------------------------------------------------------------------------


def kinds_of(module_names: list[str]) -> Counter:
    return Counter("encoder" if name.startswith("resnet.") else "rest" for name in module_names)


@pytest.mark.parametrize("sites", SITES)
def test_one_pass_runs_23_relus_17_of_them_in_the_encoder(sites: str) -> None:
    layers = inspect_layers(on_meta(FULL | {"dropout_sites": sites}), 32)
    relus = [layer for layer in layers if layer.type == "ReLU"]
    assert kinds_of([layer.module for layer in relus]) == {"encoder": 17, "rest": 6}
    assert [layer.shape for layer in relus[-6:]] == [
        *((1024,), (1024,), (1024,), (1024,)),
        *((32, 9, 9), (8, 19, 19)),
    ]
    depths = {layer.name: layer.depth for layer in layers}
    assert depths["fc3_mu"] < depths["fc4"] < depths["convTrans6"] < depths["convTrans8"]


def calls(sites: str) -> list[tuple[str, str]]:
    """Name and type of each module call, containers left out, in running order."""
    layers = describe_layers(SMALL | {"dropout_sites": sites}, CLASSES, 32)
    containers = {"Sequential", "BasicBlock"}
    return [(layer["module"], layer["type"]) for layer in layers if layer["type"] not in containers]


@pytest.mark.parametrize(
    "sites, encoder, rest", [("relu", 9, 6), ("encoder_relu", 9, 0), ("stage", 4, 4)]
)
def test_dropout_runs_where_it_is_asked_for(sites: str, encoder: int, rest: int) -> None:
    run = calls(sites)
    dropped = [name for name, kind in run if kind == "Dropout"]
    assert kinds_of(dropped) == Counter(encoder=encoder) + Counter(rest=rest)


def test_dropout_follows_every_relu() -> None:
    run = [kind for _, kind in calls("relu")]
    assert run.count("ReLU") == run.count("Dropout") == 15
    assert all(run[index + 1] == "Dropout" for index, kind in enumerate(run) if kind == "ReLU")


def test_dropout_of_stages_follows_each_stage_and_each_hidden_layer() -> None:
    run = calls("stage")
    before = [run[index - 1] for index, (_, kind) in enumerate(run) if kind == "Dropout"]
    # A stage ends with the ReLU of its only block; `relu` runs after both layers on either side.
    stages = [(f"resnet.{stage}.0.relu", "ReLU") for stage in (4, 5, 6, 7)]
    assert before == stages + [("relu.0", "ReLU")] * 4
    first = [kind for name, kind in run if name.startswith(("resnet.0", "resnet.2"))]
    assert first == ["Conv2d", "ReLU"]


@pytest.mark.parametrize("sites", SITES)
def test_every_dropout_has_the_rate(sites: str) -> None:
    found = network(dropout_sites=sites, dropout=0.3)
    rates = {module.p for module in found.modules() if isinstance(module, nn.Dropout)}
    assert rates == {0.3}


# Passes ------------------------------------------------------------------------------------------


def test_evaluation_decodes_the_mean_and_is_deterministic() -> None:
    evaluated = network()
    with torch.no_grad():
        first, mean, log_variance = evaluated.reconstruct(images())
        assert torch.equal(evaluated(images()), first)
        assert torch.equal(evaluated.decode(mean, 32), first)
        assert (mean.shape, log_variance.shape) == ((4, 5), (4, 5))
        assert torch.equal(mean, evaluated.encode(images())[0])


def test_dropout_has_no_part_in_evaluation() -> None:
    with torch.no_grad():
        plain = network(dropout=0.0)
        for sites in SITES:
            other = network(seed=1, dropout=0.6, dropout_sites=sites)
            other.load_state_dict(plain.state_dict())
            assert torch.equal(other(images()), plain(images()))


def test_training_samples_the_code_from_its_normal() -> None:
    """With the decoder's input caught: mean + sd * noise, the noise torch's own."""
    trained = network(dropout=0.0).train()
    codes = []
    trained.fc4.register_forward_pre_hook(lambda _, inputs: codes.append(inputs[0]))
    with torch.no_grad():
        trained.fc3_logvar.bias += torch.tensor([-3.0, -1.0, 0.0, 1.0, 2.0])
        torch.manual_seed(5)
        _, mean, log_variance = trained.reconstruct(images())
        torch.manual_seed(5)
        noise = torch.randn(4, 5)
        torch.manual_seed(6)
        trained.reconstruct(images())
    expected = mean + torch.exp(log_variance).sqrt() * noise
    torch.testing.assert_close(codes[0], expected, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(codes[1], codes[0])


@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("training", [False, True])
def test_reconstruction_has_the_side_of_the_input(side: int, training: bool) -> None:
    with torch.no_grad():
        found = network().train(training)(images(side=side))
    assert found.shape == (4, 3, side, side)
    assert 0 <= found.min() < found.max() <= 1


@pytest.mark.parametrize("side", [32, 48, 33, 224])
def test_reconstruction_of_white_is_not_above_1(side: int) -> None:
    """Binary cross-entropy takes nothing above 1, not even by rounding."""
    white = network()
    with torch.no_grad():
        white.convTrans8[1].bias.fill_(50.0)
        found = white.decode(torch.zeros(1, 5), side)
    assert found.min() > 0.99
    assert found.max() <= 1


# Start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sites", SITES)
def test_adopted_encoder_has_the_features_of_the_classifier(sites: str) -> None:
    torch.manual_seed(2)
    classifier = build(SMALL["encoder"], CLASSES).train()
    with torch.no_grad():
        classifier(torch.randn(16, 3, 32, 32))
    classifier.eval()
    pooled = []
    classifier.avgpool.register_forward_hook(lambda _, __, output: pooled.append(output))
    adopting = network(dropout_sites=sites)
    others = {name: v.clone() for name, v in outside_encoder(adopting).items()}
    with torch.no_grad():
        logits = classifier(images())
        assert not torch.allclose(adopting.resnet(images()), pooled[0])
        adopting.adopt_encoder(classifier)
        assert torch.equal(adopting.resnet(images()), pooled[0])
        # Copies: what the VAE learns later leaves the classifier alone.
        for value in adopting.resnet.parameters():
            value.zero_()
        assert torch.equal(classifier(images()), logits)
    after = outside_encoder(adopting)
    assert all(torch.equal(others[name], after[name]) for name in others)


def outside_encoder(built: ResNetVAE) -> dict[str, torch.Tensor]:
    """State outside the encoder."""
    state = built.state_dict()
    return {name: value for name, value in state.items() if not name.startswith("resnet.")}


def test_encoder_of_another_architecture_is_not_adopted() -> None:
    other = build(SMALL["encoder"] | {"blocks": (2, 1, 1, 1)}, CLASSES)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        network().adopt_encoder(other)
