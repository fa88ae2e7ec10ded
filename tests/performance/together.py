"""One update of small trainings, alone or under torchrun: `python tests/together.py FILE`.

Process 0 writes its gradients and the values that are logged to FILE.
"""

import sys
import warnings

import numpy as np
import torch

from srgan_lib.adversarial import trainer_kind
from srgan_lib.data import PatchPool
from srgan_lib.performance.distributed import distributed_kind, process_group, rank
from srgan_lib.recipes import get_recipe

SIZE = {"channels": 4, "num_blocks": 1, "batch_size": 4, "patch_size": 32, "steps": 9, "seed": 3}


def update(name: str, device: torch.device) -> dict:
    recipe = get_recipe(name, "smoke", **SIZE, variant="course")  # no batch norm in the generator
    pictures = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), np.uint8)
    kind = distributed_kind(trainer_kind(recipe))
    trainer = kind(recipe, PatchPool(pictures, 4, device), precision="float32")
    networks = [trainer.generator]
    if recipe.adversarial:
        trainer.discriminator.eval()  # the discriminator's would see shares
        networks.append(trainer.discriminator)
    torch.nn.init.normal_(trainer.generator.tail.weight, std=0.05, generator=torch.Generator())
    trainer._set_rates(0.0)  # Adam's first step has one size, whatever the gradient's
    values = trainer.update(*trainer.batch())
    gradients = [weights.grad for network in networks for weights in network.parameters()]
    return {"gradients": gradients, "values": values}


def main(file: str) -> None:
    # As in pyproject.toml for the tests themselves, which do not see those of another process.
    warnings.filterwarnings("error", module="__main__|srgan_lib")
    with process_group("cpu") as device:
        results = {name: update(name, device) for name in ("srresnet", "srgan-mse")}
        if rank() == 0:
            torch.save(results, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
