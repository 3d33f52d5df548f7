"""The ResNet-VAE of paper A (Methods), with dropout where its code or its figure 6a has it.

Module names are those of the original's checkpoints: `resnet.0` to `resnet.8` for the encoder,
`fc1` to `fc_bn5` for the fully connected layers, `convTrans6` to `convTrans8` for the decoder. The
original's dropout has no weights, so that one layout fits every placement and rate. Running
statistics follow with torch's momentum 0.1; the original's 0.01 in some layers would leave a tenth
of their initial values after the few hundred steps of a small study.
"""

import torch
from torch import nn
from torch.nn import functional

# Shape that the decoder starts from, and the channels of its transposed convolutions.
SEED_SHAPE = (64, 4, 4)
DECODER_CHANNELS = (64, 32, 8, 3)

STAGES = range(4, 8)


class ResNetVAE(nn.Module):
    """Variational autoencoder: a ResNet without its head, two hidden layers, a deconvolution.

    In evaluation mode the latent code is its mean: without dropout the network is deterministic.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        hidden: tuple[int, int],
        latent: int,
        dropout: float,
        dropout_sites: str,
    ):
        """Build around the modules of a ResNet with torchvision's names.

        Args:
            encoder: its last layer is left out.
            hidden: units of the two fully connected layers on either side of the code.
            latent: dimensions of the code.
            dropout: rate, at least 0 and below 1.
            dropout_sites: after every `relu`; after every `encoder_relu`, as the original's code
                has it; or after each `stage` of the encoder and each fully connected layer.
        """
        super().__init__()
        first, second = hidden
        self.resnet = nn.Sequential(*list(encoder.children())[:-1])
        self.fc1 = nn.Linear(encoder.fc.in_features, first)
        self.bn1 = nn.BatchNorm1d(first)
        self.fc2 = nn.Linear(first, second)
        self.bn2 = nn.BatchNorm1d(second)
        self.fc3_mu = nn.Linear(second, latent)
        self.fc3_logvar = nn.Linear(second, latent)
        self.fc4 = nn.Linear(latent, second)
        self.fc_bn4 = nn.BatchNorm1d(second)
        units = SEED_SHAPE[0] * SEED_SHAPE[1] * SEED_SHAPE[2]
        self.fc5 = nn.Linear(second, units)
        self.fc_bn5 = nn.BatchNorm1d(units)
        self.relu = nn.ReLU(inplace=True)
        self.convTrans6 = _upsample(*DECODER_CHANNELS[0:2], nn.ReLU(inplace=True))
        self.convTrans7 = _upsample(*DECODER_CHANNELS[1:3], nn.ReLU(inplace=True))
        self.convTrans8 = _upsample(*DECODER_CHANNELS[2:4], nn.Sigmoid())
        self._place_dropout(dropout, dropout_sites)

    def _place_dropout(self, rate: float, sites: str) -> None:
        if sites == "stage":
            for index in STAGES:
                self.resnet[index].append(nn.Dropout(rate))
            self.relu = nn.Sequential(self.relu, nn.Dropout(rate))
        else:
            _follow_relus(self if sites == "relu" else self.resnet, rate)

    def adopt_encoder(self, encoder: nn.Module) -> None:
        """Take over the weights of a ResNet of the encoder's own architecture."""
        for own, given in zip(self.resnet, list(encoder.children())[:-1], strict=True):
            own.load_state_dict(given.state_dict())

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log variance, each (N, latent), of the code of images (N, 3, H, W)."""
        found = self.resnet(images).flatten(1)
        found = self.relu(self.bn1(self.fc1(found)))
        found = self.relu(self.bn2(self.fc2(found)))
        return self.fc3_mu(found), self.fc3_logvar(found)

    def decode(self, code: torch.Tensor, side: int) -> torch.Tensor:
        """Pixels (N, 3, side, side) from 0 to 1 for codes (N, latent)."""
        found = self.relu(self.fc_bn4(self.fc4(code)))
        found = self.relu(self.fc_bn5(self.fc5(found))).view(-1, *SEED_SHAPE)
        found = self.convTrans8(self.convTrans7(self.convTrans6(found)))
        found = functional.interpolate(found, (side, side), mode="bilinear", align_corners=False)
        return found.clamp(0, 1)  # rounding of the interpolation reaches beyond

    def reconstruct(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reconstruction (N, 3, H, W) of square images, and the code's mean and log variance."""
        mean, log_variance = self.encode(images)
        code = mean
        if self.training:
            code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decode(code, images.shape[-1]), mean, log_variance

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Reconstruction (N, 3, H, W), from 0 to 1, of normalised square images."""
        return self.reconstruct(images)[0]


def _upsample(channels: int, out_channels: int, nonlinearity: nn.Module) -> nn.Sequential:
    """Transposed 3x3 convolution of stride 2: side s becomes 2 s + 1."""
    return nn.Sequential(
        nn.ConvTranspose2d(channels, out_channels, kernel_size=3, stride=2),
        nn.BatchNorm2d(out_channels),
        nonlinearity,
    )


def _follow_relus(module: nn.Module, rate: float) -> None:
    for name, child in list(module.named_children()):
        if isinstance(child, nn.ReLU):
            setattr(module, name, nn.Sequential(child, nn.Dropout(rate)))
        else:
            _follow_relus(child, rate)
