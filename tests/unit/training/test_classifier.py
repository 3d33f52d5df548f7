"""The classifier: what it learns, what it is shown, and how it is evaluated."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import make_dataclass, replace
from typing import Any

import pytest
import torch
from torch import nn
from trainings import CLASSIFIER, LABELLED, LABELLED_TEST, PREPROCESS

from codespectra.training import classifier
from codespectra.training.classifier import augment, evaluate


def test_separable_classes_are_learned(tmp_path) -> None:
    network, history = CLASSIFIER.run(tmp_path / "partial", epochs=6)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["test_accuracy"] > 0.9
    assert history[-1]["train_loss"] < history[0]["train_loss"]
    assert evaluate(network, PREPROCESS, LABELLED_TEST) == {
        key: history[-1][key] for key in ("test_loss", "test_accuracy")
    }


def test_every_epoch_sees_each_image_once_in_an_order_of_its_own(tmp_path, monkeypatch) -> None:
    seen = []

    def recording(batch: torch.Tensor, *arguments: Any) -> torch.Tensor:
        seen.extend(image.numpy().tobytes() for image in batch)
        return augment(batch, *arguments)

    monkeypatch.setattr(classifier, "augment", recording)
    CLASSIFIER.run(tmp_path / "partial", epochs=2)
    first, second = seen[:96], seen[96:]
    expected = sorted(image.numpy().tobytes() for image in LABELLED.images)
    assert sorted(first) == sorted(second) == expected
    assert first != second


def test_evaluation_is_over_all_images_whatever_the_batch() -> None:
    network = CLASSIFIER.build(0)
    whole, parts = (evaluate(network, PREPROCESS, LABELLED_TEST, batch) for batch in (30, 7))
    assert whole["test_accuracy"] == parts["test_accuracy"]
    assert whole["test_loss"] == pytest.approx(parts["test_loss"], rel=1e-5)


class Named(nn.Module):
    """A network whose logits are an item of what it returns, and not the first."""

    def __init__(self, network: nn.Module, form: Callable[..., Any]):
        super().__init__()
        self.network, self.form = network, form

    def forward(self, images: torch.Tensor) -> Any:
        return self.form(features=images, logits=self.network(images))


@pytest.mark.parametrize(
    "form",
    [
        dict,
        make_dataclass("Output", ["features", "logits"]),
        namedtuple("Output", ["features", "logits"]),
        lambda features, logits: (logits, features),
    ],
)
def test_a_network_that_returns_more_than_logits_learns_from_them(tmp_path, form) -> None:
    plain, history = CLASSIFIER.run(tmp_path / "plain", epochs=2)
    network = Named(CLASSIFIER.build(0), form)
    recipe = replace(CLASSIFIER.recipe, epochs=2)
    assert CLASSIFIER.fit(network, recipe, tmp_path / "named") == history
    assert evaluate(network, PREPROCESS, LABELLED_TEST) == evaluate(
        plain, PREPROCESS, LABELLED_TEST
    )


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


def test_edges_are_repeated() -> None:
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    before = torch.stack([row, column, row], dim=2).to(torch.uint8).expand(64, 8, 8, 3)
    after = augment(before, 3, torch.Generator().manual_seed(0)).int()
    down, across = after[..., 0].diff(dim=1), after[..., 1].diff(dim=2)
    assert set(down.flatten().tolist()) == {0, 1}
    assert all(set(image.flatten().tolist()) in ({0, 1}, {0, -1}, {1}, {-1}) for image in across)
