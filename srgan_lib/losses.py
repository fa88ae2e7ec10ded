"""Content, adversarial and perceptual losses.

Taught in chapter 4. Source: Ledig et al. 2017, section 2.2. SR and HR come in the generator's own
value range; `VGGFeatures` converts them, so that VGG always sees what it was trained on.
"""

import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from .errors import ConfigError, ImageError
from .vgg import VGGFeatures


class FeatureLoss(nn.Module):
    """Distance of SR and HR in feature space, section 2.2.1, equation 5: a mean over C, W and H.

    Args:
        features: the module that makes the feature maps, e.g. `VGGFeatures`.
        distance: "mse" (the paper's) or "l1".
    """

    def __init__(self, features: nn.Module, distance: str = "mse"):
        super().__init__()
        self.features = features
        self.distance = {"mse": F.mse_loss, "l1": F.l1_loss}[distance]

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():  # HR is given; only SR's path leads to the generator
            target = self.features(hr)
        return self.distance(self.features(sr), target)


class PixelLoss(nn.Module):
    """Mean over all values of the squared ("mse", equation 4) or absolute ("l1") difference."""

    def __init__(self, distance: str = "mse"):
        super().__init__()
        self.distance = {"mse": F.mse_loss, "l1": F.l1_loss}[distance]

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        return self.distance(sr, hr)


class GridLoss(nn.Module):
    """Mean absolute difference of the patterns of SR and HR that repeat with the upsampling's cell.

    Where LR shows nothing, neighboring LR pixels look alike to the generator, so whatever texture
    it invents it invents for each of them again: a weave with the period of one LR pixel (the
    checkerboard of Odena et al. 2016). Only texture of exactly this period is held to HR here, in
    windows of 8 x 8 cells; all other frequencies are left to the perceptual terms.

    Args:
        scale: side of a cell in pixels.
    """

    WINDOW = 8

    def __init__(self, scale: int = 4):
        super().__init__()
        self.scale = scale

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        height, width = (side // self.scale * self.scale for side in sr.shape[2:])
        if not height or not width:
            raise ImageError(
                f"The grid loss needs at least {self.scale}x{self.scale} pixels, not "
                f"{sr.shape[3]}x{sr.shape[2]}."
            )
        difference = (sr - hr)[..., :height, :width]
        # One channel for each place in the cell; a mean over many cells leaves what they share.
        places = F.pixel_unshuffle(difference, self.scale)
        window = min(self.WINDOW, *places.shape[2:])
        pattern = F.avg_pool2d(places, window, stride=max(1, window // 2))
        pattern = pattern.unflatten(1, (-1, self.scale**2))
        return (pattern - pattern.mean(dim=2, keepdim=True)).abs().mean()


@cache
def _learned_weights() -> list[torch.Tensor]:
    """How much people minded each channel of VGG16's five blocks: (1, C, 1, 1) each."""
    try:
        from lpips import LPIPS
    except ImportError as error:
        raise ConfigError("This loss needs the package lpips: `pip install lpips`.") from error
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of the VGG that the package builds and we do not use
        learned = LPIPS(net="vgg", pnet_rand=True, verbose=False).lins
    return [layer.model[-1].weight.detach() for layer in learned]


class LPIPSLoss(nn.Module):
    """LPIPS on VGG16 (Zhang et al. 2018, section 3, version 0.1) as a content loss.

    At the end of each of VGG's five blocks the features of every place are normalized, and their
    squared differences weighted by how much people minded them. `metrics.LPIPS`, the measure of
    this course, looks through another network, AlexNet.

    Args:
        features: VGG16 up to "relu5_3".

    Raises:
        ConfigError: the package `lpips`, which brings the learned weights, is not installed.
    """

    LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")

    def __init__(self, features: VGGFeatures):
        super().__init__()
        self.features = features
        self.weights = nn.ParameterList(weight.clone() for weight in _learned_weights())
        self.requires_grad_(False)

    def _normalized(self, x: torch.Tensor) -> list[torch.Tensor]:
        maps = self.features.maps(x, self.LAYERS)
        # In float32 also under autocast: half precision has no squares of small differences.
        norm = partial(torch.linalg.vector_norm, dim=1, keepdim=True, dtype=torch.float32)
        kind = x.device.type
        with_autocast = torch.amp.is_autocast_available(kind)
        with torch.autocast(kind, enabled=False) if with_autocast else nullcontext():
            return [y / norm(y).clamp_min(1e-12) for y in maps]

    def forward(self, sr: torch.Tensor, hr: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            target = self._normalized(hr)
        pairs = zip(self._normalized(sr), target, self.weights, strict=True)
        total = 0.0
        for a, b, weight in pairs:  # mean over all places first: there are the most
            squares = F.mse_loss(a, b, reduction="none").mean(dim=(0, 2, 3))
            total = total + (squares * weight.flatten()).sum()
        return total


# Name of a content loss -> layer (None = pixels), distance. "lpips-vgg" is built differently.
CONTENT_LOSSES: dict[str, tuple[str | None, str]] = {
    "lpips-vgg": ("relu5_3", "lpips"),
    "mse": (None, "mse"),
    "l1": (None, "l1"),
    "grid": (None, "grid"),
    "vgg22": ("relu2_2", "mse"),
    "vgg54": ("relu5_4", "mse"),
    "vgg54-l1": ("conv5_4", "l1"),  # before the activation, as in ESRGAN (Wang et al. 2018)
    "blog": ("relu3_4", "mse"),  # the post's first 18 modules of VGG19
}


def content_loss(
    name: str,
    input_range: str = "unit",
    arch: str = "vgg19",
    weights: str | Path = "auto",
    scale: int = 4,
) -> nn.Module:
    """A content loss by name, one of `CONTENT_LOSSES`.

    Returns a module of (SR, HR), both (N, 3, H, W) in `input_range`, to a scalar. With
    `arch="vgg16"`, whose blocks are shorter, the last convolution of the same block is taken.
    "lpips-vgg" exists on VGG16 only, and only "grid" asks for the scale.

    Raises:
        ConfigError: an unknown name. WeightsError: see `VGGFeatures`.
    """
    if name not in CONTENT_LOSSES:
        raise ConfigError(
            f"Unknown content loss {name!r}: choose one of {', '.join(CONTENT_LOSSES)}."
        )
    layer, distance = CONTENT_LOSSES[name]
    if name == "grid":
        return GridLoss(scale)
    if layer is None:
        return PixelLoss(distance)
    if name == "lpips-vgg":
        if arch != "vgg16":
            raise ConfigError(f"The loss 'lpips-vgg' was learned on vgg16: it does not fit {arch}.")
        return LPIPSLoss(VGGFeatures(layer, arch, weights, input_range))
    if arch == "vgg16":
        layer = layer.replace("_4", "_3")
    return FeatureLoss(VGGFeatures(layer, arch, weights, input_range), distance)


def generator_adversarial_loss(
    sr_logits: torch.Tensor, hr_logits: torch.Tensor | None = None
) -> torch.Tensor:
    """-log D(G(I_LR)), section 2.2.2, equation 6, averaged over the batch, on logits.

    With `hr_logits` the relativistic average form (Jolicoeur-Martineau 2018): SR shall look more
    real than HR does on average, and HR less real than SR.
    """
    if hr_logits is None:
        return F.softplus(-sr_logits).mean()
    real, fake = hr_logits - sr_logits.mean(), sr_logits - hr_logits.mean()
    return (F.softplus(real).mean() + F.softplus(-fake).mean()) / 2


def discriminator_loss(
    hr_logits: torch.Tensor,
    sr_logits: torch.Tensor,
    labels: tuple[torch.Tensor, torch.Tensor] | None = None,
    relativistic: bool = False,
) -> torch.Tensor:
    """-log D(HR) - log(1 - D(SR)), equation 2, averaged over the batch, on logits.

    Args:
        hr_logits, sr_logits: (N, 1).
        labels: targets for HR and SR in [0, 1], e.g. `noisy_labels`; 1 and 0 if not given.
        relativistic: compare each logit with the other kind's mean.
    """
    if relativistic:
        hr_logits, sr_logits = hr_logits - sr_logits.mean(), sr_logits - hr_logits.mean()
    if labels is None:
        labels = torch.ones_like(hr_logits), torch.zeros_like(sr_logits)
    real = F.binary_cross_entropy_with_logits(hr_logits, labels[0])
    fake = F.binary_cross_entropy_with_logits(sr_logits, labels[1])
    return real + fake


def noisy_labels(
    shape: torch.Size | tuple[int, ...], generator: torch.Generator | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The post's labels: real ~ U(0.7, 1), fake ~ U(0, 0.3), on the CPU, both of `shape`."""
    real = 0.7 + 0.3 * torch.rand(shape, generator=generator)
    fake = 0.3 * torch.rand(shape, generator=generator)
    return real, fake


def random_place(most: int, generator: torch.Generator | None = None) -> tuple[int, int]:
    """Rows and columns, 0 to `most` each, by which `shifted` moves its view."""
    if not most:
        return 0, 0
    top, left = torch.randint(0, most + 1, (2,), generator=generator).tolist()
    return top, left


def shifted(
    sr: torch.Tensor, hr: torch.Tensor, most: int, place: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same part of both, `most` rows and columns smaller, that begins at `place`.

    Sub-pixel convolutions repeat every `scale` pixels, VGG's poolings and the discriminator's
    strides every 2, 4, 8 and 16. Where the two grids always meet in the same way, the generator
    learns a pattern for each place of its cell: a woven texture. Moved at random (`random_place`)
    by up to `scale` - 1, they do not. (Kettunen et al. 2019 shift pictures at random to make LPIPS
    harder to deceive.)
    """
    top, left = place
    height, width = (side - most for side in sr.shape[2:])
    part = (..., slice(top, top + height), slice(left, left + width))
    return sr[part], hr[part]


class PerceptualLoss(nn.Module):
    """Weighted content terms plus the weighted adversarial term, section 2.2, equation 3.

    Args:
        content: name -> (module of (SR, HR), weight).
        adversarial_weight: 1e-3 in the paper; 0 leaves the term out.
    """

    def __init__(
        self, content: Mapping[str, tuple[nn.Module, float]], adversarial_weight: float = 1e-3
    ):
        super().__init__()
        self.terms = nn.ModuleDict({name: module for name, (module, _) in content.items()})
        self.weights = {name: float(weight) for name, (_, weight) in content.items()}
        self.adversarial_weight = adversarial_weight

    def forward(
        self,
        sr: torch.Tensor,
        hr: torch.Tensor,
        sr_logits: torch.Tensor | None = None,
        hr_logits: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The sum, and every weighted term by name; no term is detached.

        Args:
            sr, hr: (N, 3, H, W) in the generator's output range.
            sr_logits: the discriminator's on SR; without it there is no adversarial term.
            hr_logits: the discriminator's on HR, for the relativistic form.
        """
        terms = {name: self.weights[name] * loss(sr, hr) for name, loss in self.terms.items()}
        if sr_logits is not None and self.adversarial_weight:
            adversarial = generator_adversarial_loss(sr_logits, hr_logits)
            terms["adversarial"] = self.adversarial_weight * adversarial
        return torch.stack(list(terms.values())).sum(), terms


def gradient_norms(terms: Mapping[str, torch.Tensor], sr: torch.Tensor) -> dict[str, float]:
    """Norm of each term's gradient with respect to SR: what each really says to the generator.

    Args:
        terms: scalars that depend on `sr`, e.g. from `PerceptualLoss`.
        sr: a tensor with a graph.
    """
    return {
        name: torch.autograd.grad(term, sr, retain_graph=True)[0].norm().item()
        for name, term in terms.items()
    }
