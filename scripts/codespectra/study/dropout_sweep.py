"""Networks that the coding study implies: each dropout and seed, as trained and recalibrated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from codespectra.study.sections.coding import Coding, VaeTraining
from codespectra.study.sections.models import AnyModel, Model, PathModel, ResNetVAE
from codespectra.study.sections.study import Study

# Begins the names of these networks.
SWEPT = "vae-"
AS_TRAINED, RECALIBRATED = "as_trained", "recalibrated"


class VaeModel(AnyModel):
    """A ResNet-VAE that the workflow trains, its encoder starting from another model's weights."""

    weights: Literal["vae"]
    start: str
    training: VaeTraining
    seed: int


class RecalibratedModel(AnyModel):
    """Another model with BatchNorm statistics recomputed, dropout off, on its training images."""

    weights: Literal["recalibrated"]
    of: str
    training: VaeTraining


@dataclass(frozen=True)
class Network:
    """One network of the sweep; `base` is the name of the same network as trained."""

    base: str
    dropout: float
    seed: int
    statistics: str


def networks(coding: Coding | None) -> dict[str, Network]:
    """The sweep's networks by name, dropouts ascending."""
    found = {}
    for dropout in sorted(coding.dropouts) if coding else ():
        for seed in coding.seeds:
            base = f"{SWEPT}dropout{dropout:g}-seed{seed}"
            found[base] = Network(base, dropout, seed, AS_TRAINED)
            found[f"{base}-recalibrated"] = Network(base, dropout, seed, RECALIBRATED)
    return found


def swept_models(study: Study) -> dict[str, Model | VaeModel | RecalibratedModel]:
    """Sections of the sweep's networks, as if they stood in the config.

    With `coding.checkpoints` they are imported, else trained.
    """
    coding = study.coding
    return {
        name: _section(coding, study.models[coding.encoder], network)
        for name, network in networks(coding).items()
    }


def _section(
    coding: Coding, encoder: Model, network: Network
) -> PathModel | VaeModel | RecalibratedModel:
    architecture = ResNetVAE(
        name="resnet_vae",
        encoder=encoder.architecture,  # type: ignore[arg-type]  # one that can be, or it is refused
        hidden=coding.hidden,
        latent=coding.latent,
        dropout=network.dropout,
        dropout_sites=coding.dropout_sites,
    )
    common: dict[str, Any] = {
        "architecture": architecture,
        "classes": encoder.classes,
        "preprocessing": encoder.preprocessing,
    }
    if network.statistics == RECALIBRATED:
        common["training"] = coding.training
        return RecalibratedModel(weights="recalibrated", of=network.base, **common)
    if coding.checkpoints:
        file = coding.checkpoints.replace("{dropout}", str(network.dropout))
        file = file.replace("{seed}", str(network.seed))
        return PathModel(weights="path", path=Path(file), **common)
    return VaeModel(
        weights="vae",
        start=coding.encoder,
        training=coding.training,
        seed=network.seed,
        **common,
    )
