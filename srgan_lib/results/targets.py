"""Figures that were not measured here: the paper's, and what this project set out to reach."""

# Ledig et al. 2017, tables 1 and 2: PSNR and SSIM, which is daala's, at x4.
PAPER: dict[str, dict[str, tuple[float, float]]] = {
    "Set5": {
        "bicubic": (28.43, 0.8211),
        "srresnet-mse": (32.05, 0.9019),
        "srresnet-vgg22": (30.51, 0.8803),
        "srgan-mse": (30.64, 0.8701),
        "srgan-vgg22": (29.84, 0.8468),
        "srgan-vgg54": (29.40, 0.8472),
    },
    "BSD100": {
        "bicubic": (25.94, 0.6935),
        "srresnet-mse": (27.58, 0.7620),
        "srgan-vgg54": (25.16, 0.6688),
    },
}
PAPER_PICTURES = 350_000  # that it trained on, section 3.2
# Network, set, score -> floor on CPU cores, floor on a GPU, goal on a GPU. Of PSNR more is better.
TARGETS: dict[tuple[str, str, str], tuple[float, float, float | None]] = {
    ("srresnet", "Set5", "psnr_y"): (31.4, 32.05, 32.20),
    ("srresnet", "BSD100", "psnr_y"): (27.1, 27.50, 27.60),
    ("srgan", "Set5", "psnr_y"): (29.0, 29.40, None),
    ("srgan", "Set5", "lpips"): (0.100, 0.0882, 0.0748),
    ("srgan", "BSD100", "psnr_y"): (25.0, 25.16, None),
    ("srgan", "BSD100", "lpips"): (0.220, 0.1980, 0.1614),
}
# Part of the benchmark, figure of the library's rows -> (floor, goal) on a CPU, the same on a GPU.
SPEED_TARGETS: dict[tuple[str, str], tuple[tuple[float | None, float | None], ...]] = {
    ("pretraining", "ratio"): ((1.5, 2.0), (5.0, None)),
    ("adversarial", "ratio"): ((1.5, None), (3.0, None)),
    ("upscale", "ratio"): ((2.2, 2.5), (3.0, None)),
    ("pretraining", "seconds"): ((None, None), (0.004, None)),  # an H100's; less is better
    ("pretraining", "of_convolution"): ((None, None), (None, 0.5)),
    ("adversarial", "of_convolution"): ((None, None), (None, 0.5)),
}
COLOR_SHIFT = 2.0  # of 255, at most, on every picture, of what the course gives out for use
CONSISTENCY = 40.0  # dB, at least, of srresnet in the mean
# Of `srgan-photo`, over all pictures: row of `degraded` -> LPIPS at most, and PSNR-Y at least, as
# decibels beside bicubic's.
PHOTO_TARGETS: dict[str, tuple[float, float | None]] = {
    "clean": (0.20, None),
    "light": (0.26, -0.6),
    "medium": (0.32, -0.6),
    "heavy": (0.42, -0.6),
}
