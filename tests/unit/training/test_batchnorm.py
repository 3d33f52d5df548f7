"""Recalibrated BatchNorm: statistics of the activations themselves, with dropout off."""

from typing import Any

import pytest
import torch
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.models.architectures import build
from codespectra.training.batchnorm import recalibrate

ARCHITECTURE = {
    "name": "resnet_vae",
    "encoder": {"name": "basic_resnet", "width": 2, "blocks": [1, 1, 1, 1], "stem_stride": 1},
    "hidden": [12, 12],
    "latent": 4,
    "dropout": 0.5,
    "dropout_sites": "relu",
}
PREPROCESS = Preprocess(
    {"side": None, "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}, torch.device("cpu")
)
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def pictures(count: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 8, 8, 3), generator=generator, dtype=torch.uint8)


def network(seed: int = 0, **changes: Any) -> nn.Module:
    """A network with statistics of its own, as after training with its dropout."""
    torch.manual_seed(seed)
    built = build(ARCHITECTURE | changes, 3).train()
    with torch.no_grad():
        for _ in range(3):
            built(torch.randn(16, 3, 8, 8) + 1)
    return built


def normalisers(built: nn.Module) -> dict[str, nn.Module]:
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    return {name: module for name, module in built.named_modules() if isinstance(module, kinds)}


def statistics(built: nn.Module) -> dict[str, torch.Tensor]:
    state = built.state_dict()
    return {name: value.clone() for name, value in state.items() if name.endswith(STATISTICS)}


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def test_statistics_are_those_of_the_activations_in_one_batch() -> None:
    """Each layer's inputs as they are once the layers before it are normalised by their batch."""
    built, seen = network(), {}
    for name, module in normalisers(built).items():
        module.register_forward_pre_hook(
            lambda _, inputs, name=name: seen.update({name: inputs[0].double()})
        )
    recalibrate(built, PREPROCESS, pictures())
    assert len(seen) == len(normalisers(built)) == 19
    for name, module in normalisers(built).items():
        units = seen[name].transpose(0, 1).flatten(1)
        wanted = {"rtol": 1e-4, "atol": 1e-6}
        torch.testing.assert_close(module.running_mean.double(), units.mean(1), **wanted)
        torch.testing.assert_close(module.running_var.double(), units.var(1), **wanted)
        assert module.num_batches_tracked == 1


def test_first_layer_by_hand() -> None:
    """Batches of 16 count equally, and the 8 images that are left over don't count."""
    built = network()
    with torch.no_grad():
        outputs = built.resnet[0].double()(PREPROCESS(pictures()).double())
    parts = outputs[:32].transpose(0, 1).split(16, dim=1)
    built.resnet[0].float()
    recalibrate(built, PREPROCESS, pictures(), batch=16)
    mean = torch.stack([part.flatten(1).mean(1) for part in parts]).mean(0)
    variance = torch.stack([part.flatten(1).var(1) for part in parts]).mean(0)
    first = built.resnet[1]
    torch.testing.assert_close(first.running_mean.double(), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(first.running_var.double(), variance, rtol=1e-5, atol=1e-6)
    assert first.num_batches_tracked == 2


def test_images_that_are_left_over_do_not_count() -> None:
    few, many = network(), network()
    recalibrate(few, PREPROCESS, pictures()[:32], batch=16)
    recalibrate(many, PREPROCESS, pictures(), batch=16)
    assert equal(statistics(few), statistics(many))
    alone, whole = network(), network()
    recalibrate(alone, PREPROCESS, pictures()[:10], batch=16)
    recalibrate(whole, PREPROCESS, pictures()[:10], batch=10)
    assert equal(statistics(alone), statistics(whole))


def test_only_statistics_change() -> None:
    built = network()
    before = {name: value.clone() for name, value in built.state_dict().items()}
    recalibrate(built, PREPROCESS, pictures())
    after = built.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {name for name in before if not name.endswith(STATISTICS)}
    assert all(value.grad is None for value in built.parameters())


def test_statistics_of_before_have_no_part_in_it() -> None:
    first, second = network(), network()
    for module in normalisers(second).values():
        module.running_mean += 3
        module.running_var *= 7
    for built in (first, second):
        recalibrate(built, PREPROCESS, pictures(), batch=16)
    assert equal(statistics(first), statistics(second))


def test_dropout_is_off() -> None:
    """Other random numbers, another rate: the same statistics. Left on, they'd be others."""
    found = {}
    for name, changes in {"a": {}, "b": {}, "none": {"dropout": 0.0}}.items():
        built = network(**changes)
        built.load_state_dict(network().state_dict())
        torch.manual_seed(len(found))
        recalibrate(built, PREPROCESS, pictures())
        found[name] = statistics(built)
    assert equal(found["a"], found["b"])
    assert equal(found["a"], found["none"])
    noisy = network()
    for module in normalisers(noisy).values():
        module.reset_running_stats()
        module.momentum = None
    with torch.no_grad():
        noisy.train()(PREPROCESS(pictures()))
    assert not torch.allclose(statistics(noisy)["bn1.running_var"], found["a"]["bn1.running_var"])


def test_shrunk_outputs_come_back() -> None:
    """Variances that dropout inflated fourfold: half the activations, until recalibrated."""
    built = network()
    recalibrate(built, PREPROCESS, pictures())
    with torch.no_grad():
        images = PREPROCESS(pictures())
        right, first = built(images), built.resnet[:2](images)
        for module in normalisers(built).values():
            module.running_var *= 4
        shrunk = built.resnet[:2](images)
        assert not torch.allclose(built(images), right, atol=1e-3)
        bias = built.resnet[1].bias.view(1, -1, 1, 1)
        torch.testing.assert_close(2 * (shrunk - bias), first - bias, rtol=1e-3, atol=1e-3)
        recalibrate(built, PREPROCESS, pictures())
        assert torch.equal(built(images), right)


def test_network_is_left_in_evaluation_with_its_momenta() -> None:
    built = network()
    momenta = [0.1, 0.01, None]
    for index, module in enumerate(normalisers(built).values()):
        module.momentum = momenta[index % 3]
    recalibrate(built, PREPROCESS, pictures())
    found = [module.momentum for module in normalisers(built).values()]
    assert found == [momenta[index % 3] for index in range(19)]
    assert not any(module.training for module in built.modules())
    before = statistics(built)
    with torch.no_grad():
        built(PREPROCESS(pictures()))
    assert equal(statistics(built), before)


@pytest.mark.parametrize("sites", ["encoder_relu", "stage"])
def test_recalibration_is_the_same_wherever_dropout_stands(sites: str) -> None:
    found = []
    for changes in ({}, {"dropout_sites": sites}):
        built = network(**changes)
        built.load_state_dict(network().state_dict())
        recalibrate(built, PREPROCESS, pictures())
        found.append(statistics(built))
    assert equal(*found)
