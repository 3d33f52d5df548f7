"""Sparse autoencoder and FastICA against their plain forms.

The autoencoder's two sides both end with the evaluation that our trainer makes after every epoch.
FastICA is quicker by precision alone: scikit-learn's own iterations, on float32 instead of
float64. Blocks of rows that stay in the cache would have made them only a tenth faster.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from bench_kmeans import features
from side_by_side import Row, compare, show
from sklearn.decomposition import FastICA
from torch.utils.data import DataLoader, TensorDataset

from codespectra.directions.baselines import pca
from codespectra.directions.sparse_autoencoder import (
    AutoencoderRecipe,
    SparseAutoencoders,
    evaluate,
    penalised_errors,
    scaled_rows,
    train_autoencoders,
)

SIZE, BATCH, L1, RATE = 512, 256, 0.1, 1e-3
K, ITERATIONS = 256, 10
STEPS = 50  # after which both losses are compared
SMALL = {"SIZE": 16, "BATCH": 64, "K": 4, "ITERATIONS": 3, "STEPS": 5}


def fresh(width: int) -> SparseAutoencoders:
    torch.manual_seed(0)
    return SparseAutoencoders(width, SIZE)


def plain_epoch(rows: torch.Tensor) -> SparseAutoencoders:
    """Module, DataLoader and Adam, in the order of batches that ours takes."""
    network = fresh(rows.shape[1])
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(1))
    loader = DataLoader(TensorDataset(rows), BATCH, sampler=order.tolist(), drop_last=True)
    for (batch,) in loader:
        loss = penalised_errors(batch, *network(batch), torch.tensor([L1])).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        network.normalise_atoms()
    evaluate(network, rows)
    return network


def our_epoch(rows: torch.Tensor) -> SparseAutoencoders:
    network = fresh(rows.shape[1])
    recipe = AutoencoderRecipe(
        epochs=1, batch=BATCH, learning_rate=RATE, seed=0, penalties=[L1], identity="bench"
    )
    train_autoencoders(network, rows, recipe, None)
    return network


def assert_same_loss(rows: torch.Tensor) -> None:
    """After STEPS."""
    ours, plain = (
        penalised_errors(rows, *network(rows), torch.tensor([L1])).item()
        for network in (our_epoch(rows), plain_epoch(rows))
    )
    print(f"loss after {STEPS} steps: plain {plain:.7f}, ours {ours:.7f}")
    assert abs(ours / plain - 1) < 1e-5


def iterate(white: np.ndarray) -> np.ndarray:
    search = FastICA(whiten=False, max_iter=ITERATIONS, tol=1e-12, random_state=0)
    return search.fit(white).components_


def rows() -> Iterator[Row]:
    warnings.simplefilter("ignore")  # nothing converges in so few iterations
    matrix = features()
    scaled = scaled_rows(matrix, torch.device("cpu"))
    assert_same_loss(scaled[: STEPS * BATCH])
    yield compare(
        f"sparse autoencoder, an epoch, Z={SIZE}, batch {BATCH}",
        "Module, DataLoader and Adam",
        lambda: plain_epoch(scaled),
        lambda: our_epoch(scaled),
        at_least=1.1,
    )
    scores = pca(matrix, k=K).responses
    white = scores / scores.std(axis=0)
    yield compare(
        f"FastICA, {ITERATIONS} iterations, K={K}, float32",
        "scikit-learn's in float64",
        lambda: iterate(white.astype("float64")),
        lambda: iterate(white),
        at_least=2,
    )


if __name__ == "__main__":
    show(rows())
