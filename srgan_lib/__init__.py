"""A thin library for super-resolution with SRResNet and SRGAN (Ledig et al. 2017).

    import srgan_lib
    generator = srgan_lib.load_generator("srgan")
    sr = srgan_lib.upscale(generator, "photo.jpg")  # uint8 (4H, 4W, 3)

To read it, follow a picture: `images` and `degradation` make LR of it, `data` cuts patches;
`training` and `adversarial` learn from them, with the networks of `models` and the `losses`, as
`recipes` says; `checkpoints` and `weights` keep what was learned; `inference` makes SR, `metrics`
and `evaluation` score it. What a student need not read stands in rooms of its own: `system`,
`display`, `datasets`, `performance`, `course`, `results`, `cli`. See docs/architecture.md.
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["load_generator", "upscale"]
_MODULES = {"load_generator": "weights", "upscale": "inference"}


def __getattr__(name: str):
    # Only when it is asked for: `import srgan_lib` must not wait for PyTorch.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
