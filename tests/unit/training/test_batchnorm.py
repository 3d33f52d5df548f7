"""Recalibrated BatchNorm: statistics of the activations themselves, with dropout off."""

from typing import Any

import torch
from torch import nn
from trainings import PREPROCESS, RESNET_VAE, built

from codespectra.training.batchnorm import recalibrate

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def pictures(count: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 8, 8, 3), generator=generator, dtype=torch.uint8)


def network(**changes: Any) -> nn.Module:
    """A network with statistics of its own, as after training with its dropout."""
    fresh = built(RESNET_VAE | {"dropout": 0.5} | changes, seed=0).train()
    with torch.no_grad():
        for _ in range(3):
            fresh(torch.randn(16, 3, 8, 8) + 1)
    return fresh


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


def test_fewer_images_than_a_batch_all_count() -> None:
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
    for one in (first, second):
        recalibrate(one, PREPROCESS, pictures(), batch=16)
    assert equal(statistics(first), statistics(second))


def test_dropout_is_off() -> None:
    """Other random numbers, another rate, other sites: the same. Left on, they'd be others."""
    changes = [{}, {}, {"dropout": 0.0}, *({"dropout_sites": s} for s in ("encoder_relu", "stage"))]
    found = []
    for change in changes:
        quiet = network(**change)
        quiet.load_state_dict(network().state_dict())
        torch.manual_seed(len(found))
        recalibrate(quiet, PREPROCESS, pictures())
        found.append(statistics(quiet))
    assert all(equal(found[0], other) for other in found[1:])
    noisy = network()
    for module in normalisers(noisy).values():
        module.reset_running_stats()
        module.momentum = None
    with torch.no_grad():
        noisy.train()(PREPROCESS(pictures()))
    assert not torch.allclose(statistics(noisy)["bn1.running_var"], found[0]["bn1.running_var"])


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
