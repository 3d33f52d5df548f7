"""Section of the robustness study (target `robustness`): what both papers end on."""

from typing import Annotated

from pydantic import Field, model_validator

from codespectra.study.sections.base import (
    Listed,
    Name,
    Names,
    Seed,
    Several,
    Strict,
    Text,
    check_product,
)

# A change of pixels that go from 0 to 1.
Pixels = Annotated[float, Field(gt=0, le=1)]


class Attacks(Strict):
    """Images moved along input gradients to raise the loss, in one step (FGSM) and several (PGD).

    Of classifiers, and of the dropout sweep's networks if there are any.
    """

    models: Listed[Name] = ()
    """Which of the spectra's models, on their sets there: classifiers of these sets' labels."""
    images: Annotated[int, Field(ge=10, le=100_000)] = 100
    """Images of the set that are attacked, evenly spaced."""
    epsilons: Several[Pixels] = (0.005, 0.01, 0.02)
    """How far a pixel may move, of pixels from 0 to 1 before normalisation."""
    steps: Annotated[int, Field(ge=1, le=1000)] = 5
    """Steps of PGD."""


class Noise(Strict):
    """Gaussian noise on the images of the directions' runs on the analysis sets."""

    models: Names | None = None
    """Which of the directions' models; null: all networks."""
    methods: Several[Text]
    """Methods whose directions are asked for."""
    strengths: Several[Pixels] = (0.02, 0.05, 0.1)
    """Standard deviations of the noise, of pixels from 0 to 1 before normalisation."""
    seed: Seed = 0
    """Draws the noise."""


class Robustness(Strict):
    """The robustness study (target `robustness`): adversarial attacks, and noise on the images.

    Does the exponent go with it (paper A, discussion), and the II (paper B, §3.5)?
    """

    attacks: Attacks | None = None
    noise: Noise | None = None

    @model_validator(mode="after")
    def _either(self) -> "Robustness":
        if not (self.attacks or self.noise):
            raise ValueError("attacks: neither it nor noise is there; add one, or no robustness")
        if self.attacks:
            check_product(
                "attacks.epsilons and steps", self.attacks.epsilons, range(self.attacks.steps)
            )
        return self
