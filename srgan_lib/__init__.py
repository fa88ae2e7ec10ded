"""A thin library for super-resolution with SRResNet and SRGAN (Ledig et al. 2017).

Data flows one way: picture -> `data`, `degradation` -> `training`, `adversarial` (which use
`models` and `losses`) -> `checkpoints` -> `inference` -> `metrics`, `artifacts` ->
`evaluation`, `plots`.
"""

__version__ = "0.1.0"
