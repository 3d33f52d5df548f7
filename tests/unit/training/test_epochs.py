"""Training: deterministic, resumable bit for bit, and loud when the loss is lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from interruption import interrupt, same
from torch import nn

from codespectra.data.preprocessing import Preprocess
from codespectra.errors import UserError
from codespectra.models import architectures
from codespectra.training import classifier
from codespectra.training.classifier import (
    ClassifierRecipe,
    Labelled,
    augment,
    evaluate,
    train_classifier,
)

CLASSES = 3
NORMALISED = {
    "architecture": {
        "name": "bottleneck_resnet",
        "width": 2,
        "blocks": [1, 1, 1, 1],
        "stem_stride": 1,
    },
    "classes": CLASSES,
}
PLAIN = {"architecture": {"name": "small_alexnet", "widths": [4] * 5}, "classes": CLASSES}
PREPROCESS = Preprocess(
    {"side": None, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}, torch.device("cpu")
)
RECIPE = ClassifierRecipe(
    epochs=3,
    batch=16,
    learning_rate=1e-2,
    weight_decay=1e-2,
    crop_padding=1,
    seed=0,
    identity="this run",
)


def images(count: int, seed: int) -> Labelled:
    """Noisy 8-pixel images of which one colour channel, the class, is bright."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    pixels = torch.randint(0, 100, (count, 8, 8, 3), generator=generator)
    pixels[torch.arange(count), :, :, labels] += 100
    return Labelled(pixels.to(torch.uint8), labels)


TRAIN, TEST = images(96, seed=0), images(30, seed=1)


def train(
    partial: Path,
    recipe: ClassifierRecipe = RECIPE,
    network: dict[str, Any] = NORMALISED,
    start: int = 0,
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """A trained network and its history; `start` seeds the weights that it starts from."""
    torch.manual_seed(start)
    built = architectures.build(**network)
    return built, train_classifier(built, PREPROCESS, TRAIN, TEST, recipe, partial)


def test_two_runs_give_the_same_weights(tmp_path: Path) -> None:
    first, history = train(tmp_path / "first")
    second, again = train(tmp_path / "second")
    assert same(first, second)
    assert history == again
    other, _ = train(tmp_path / "other", replace(RECIPE, seed=1))
    assert not same(first, other)


@pytest.mark.parametrize("epoch", [2, 3])
def test_interrupted_run_ends_like_an_undisturbed_one(
    epoch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, history = train(tmp_path / "undisturbed")
    with monkeypatch.context() as patched:
        interrupt(patched, classifier, epoch)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "partial")
    # Other weights to start from: all that counts comes from the partial state.
    resumed, resumed_history = train(tmp_path / "partial", start=1)
    assert same(resumed, undisturbed)
    assert resumed_history == history


def test_run_interrupted_in_its_first_epoch_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupt(patched, classifier, 1)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "partial")
    assert not (tmp_path / "partial").exists()
    assert same(train(tmp_path / "partial")[0], train(tmp_path / "undisturbed")[0])


def test_state_of_another_run_is_ignored(tmp_path: Path) -> None:
    other = replace(RECIPE, epochs=2, learning_rate=1e-3, identity="another run")
    train(tmp_path / "partial", other)
    network, history = train(tmp_path / "partial")
    undisturbed, expected = train(tmp_path / "undisturbed")
    assert same(network, undisturbed)
    assert history == expected


def test_finished_run_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished, history = train(tmp_path / "partial")
    interrupt(monkeypatch, classifier, 1)
    again, same_history = train(tmp_path / "partial", start=1)
    assert same(finished, again)
    assert history == same_history


def test_lost_loss_names_the_epoch_and_keeps_the_state(tmp_path: Path) -> None:
    # One step an epoch: the loss of epoch 1 is that of the fresh weights.
    recipe = replace(RECIPE, batch=96, learning_rate=1e30)
    partial = tmp_path / "partial"
    with pytest.raises(UserError) as caught:
        train(partial, recipe, PLAIN)
    for told in ("in epoch 2", "training.learning_rate (1e+30)", f"after epoch 1 is in {partial}"):
        assert told in str(caught.value)
    state = torch.load(partial, weights_only=True)
    assert [row["epoch"] for row in state["history"]] == [1]


def test_loss_lost_at_once_promises_no_state(tmp_path: Path) -> None:
    partial = tmp_path / "partial"
    with pytest.raises(UserError, match=r"in epoch 1; lower training\.learning_rate \(1e\+30\)$"):
        train(partial, replace(RECIPE, learning_rate=1e30), PLAIN)
    assert not partial.exists()


def test_separable_classes_are_learned(tmp_path: Path) -> None:
    network, history = train(tmp_path / "partial", replace(RECIPE, epochs=6))
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["test_accuracy"] > 0.9
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert evaluate(network, PREPROCESS, TEST) == {
        key: history[-1][key] for key in ("test_loss", "test_accuracy")
    }


def test_every_epoch_sees_each_image_once_in_an_order_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def recording(batch: torch.Tensor, *arguments: Any) -> torch.Tensor:
        seen.extend(image.numpy().tobytes() for image in batch)
        return augment(batch, *arguments)

    monkeypatch.setattr(classifier, "augment", recording)
    train(tmp_path / "partial", replace(RECIPE, epochs=2))
    first, second = seen[:96], seen[96:]
    expected = sorted(image.numpy().tobytes() for image in TRAIN.images)
    assert sorted(first) == sorted(second) == expected
    assert first != second


def test_evaluation_is_over_all_images_whatever_the_batch() -> None:
    network = architectures.build(**NORMALISED)
    whole, parts = (evaluate(network, PREPROCESS, TEST, batch) for batch in (30, 7))
    assert whole["test_accuracy"] == parts["test_accuracy"]
    assert whole["test_loss"] == pytest.approx(parts["test_loss"], rel=1e-5)


# Augmentation ------------------------------------------------------------------------------------


def random_images(count: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 8, 8, 3), generator=generator, dtype=torch.uint8)


def test_without_padding_images_are_kept_or_flipped() -> None:
    before = random_images()
    after = augment(before, 0, torch.Generator().manual_seed(0))
    kept = (after == before).flatten(1).all(1)
    flipped = (after == before.flip(2)).flatten(1).all(1)
    assert (kept ^ flipped).all()
    assert 16 < flipped.sum() < 48


def test_padding_only_moves_pixels() -> None:
    before = random_images()
    after = augment(before, 2, torch.Generator().manual_seed(0))
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    for old, new in zip(before, after, strict=True):
        # The innermost 4 x 4 pixels come from somewhere inside, in their order.
        windows = old.unfold(0, 4, 1).unfold(1, 4, 1).permute(0, 1, 3, 4, 2).reshape(-1, 4, 4, 3)
        inner = torch.stack([new[2:6, 2:6], new[2:6, 2:6].flip(1)])
        assert (windows[:, None] == inner).flatten(2).all(2).any()
    assert (after != before).flatten(1).any(1).sum() > 48


def test_constant_image_stays_as_it_is() -> None:
    before = torch.full((5, 8, 8, 3), 7, dtype=torch.uint8) * torch.arange(3, dtype=torch.uint8)
    assert torch.equal(augment(before, 3, torch.Generator().manual_seed(0)), before)


def test_edges_are_repeated() -> None:
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    before = torch.stack([row, column, row], dim=2).to(torch.uint8).expand(64, 8, 8, 3)
    after = augment(before, 3, torch.Generator().manual_seed(0)).int()
    down, across = after[..., 0].diff(dim=1), after[..., 1].diff(dim=2)
    assert set(down.flatten().tolist()) == {0, 1}
    assert all(set(image.flatten().tolist()) in ({0, 1}, {0, -1}, {1}, {-1}) for image in across)
