"""One training in several processes, each with a device of its own: `torchrun -m srgan_lib train`.

A thin layer over the trainers. Every process draws the same batch and computes its share of it;
PyTorch's DistributedDataParallel (DDP) averages the gradients, so all make the same update. Only
process 0 writes. Source: Li et al. 2020, "PyTorch Distributed". What it costs: docs/scaling.md.
"""

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch
from torch import distributed
from torch.nn import SyncBatchNorm
from torch.nn.parallel import DistributedDataParallel

from ..errors import ConfigError, TrainingError
from ..models import Generator
from ..system.devices import choose_device
from ..training import Trainer


def rank() -> int:
    """The number of this process, from 0; 0 where there is only one."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world_size() -> int:
    """How many processes train together; 1 where there is only one."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


@contextmanager
def process_group(device: str = "auto") -> Iterator[torch.device]:
    """Inside, this process belongs to the group that torchrun started, if it did; its device.

    GPUs are handed out by torchrun's LOCAL_RANK. What other processes than 0 print is dropped.

    Raises:
        ConfigError: there is no such device, or more processes than GPUs.
    """
    if not distributed.is_torchelastic_launched():
        yield choose_device(device)
        return
    chosen = choose_device(device)
    if chosen.type == "cuda":
        chosen = choose_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        if rank() == 0:
            yield chosen
        else:
            with redirect_stdout(None):
                yield chosen
        distributed.barrier()  # none takes the group down while another still uses it
    finally:
        distributed.destroy_process_group()


class Distributed:
    """Goes before a trainer's class: `class DistributedTrainer(Distributed, Trainer)`.

    The recipe's batch size is that of all processes together, so their number changes no result
    beyond rounding, with three exceptions, which see a share as if it were the batch: batch norm
    (its running statistics are process 0's), the relativistic mean and noisy labels.

    Args:
        sync_batchnorm: let batch norm see all shares together (`torch.nn.SyncBatchNorm`).

    Raises:
        ConfigError: a batch size that the number of processes does not divide; `sync_batchnorm` on
            CPUs.
    """

    _parallel: DistributedDataParallel | None = None
    _parallel_d: DistributedDataParallel | None = None

    def __init__(
        self, recipe, pool, folder=None, *, validate=None, sync_batchnorm=False, **options: Any
    ):
        if recipe.batch_size % world_size():
            raise ConfigError(
                f"A batch of {recipe.batch_size} patches cannot be shared by {world_size()} "
                f"processes: choose a multiple of {world_size()} as --batch-size."
            )
        if sync_batchnorm and pool.device.type == "cpu":
            raise ConfigError("PyTorch has SyncBatchNorm for GPUs only: leave it out.")
        leads = rank() == 0
        super().__init__(
            recipe, pool, folder if leads else None, validate=validate if leads else None,
            **{**options, "graphs": False},  # gradients are sent while they are computed
        )  # fmt: skip
        self._parallel = self._share(self.generator, sync_batchnorm)
        if hasattr(self, "discriminator"):
            self._parallel_d = self._share(self.discriminator, sync_batchnorm)

    def _share(self, module: torch.nn.Module, sync_batchnorm: bool) -> DistributedDataParallel:
        if sync_batchnorm:  # in place: the weights stay those that the optimizer knows
            SyncBatchNorm.convert_sync_batchnorm(module)
        # Buffers are not broadcast: a discriminator sees two batches between its updates, and the
        # second broadcast would change what the first one's backward pass needs.
        module.requires_grad_(True)
        known = inspect.signature(DistributedDataParallel).parameters
        new, old = "forward_sync_buffers", "broadcast_buffers"  # renamed in PyTorch 2.13
        return DistributedDataParallel(module, **{new if new in known else old: False})

    def batch(self, rng: torch.Generator | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        whole = super().batch(rng)
        if self._parallel is None:  # still being built, by all processes in the same way
            return whole
        return tuple(x[rank() :: world_size()] for x in whole)

    def generate(self, lr: torch.Tensor) -> torch.Tensor:
        if self._parallel is None:
            return super().generate(lr)
        with self._autocast():
            return self._parallel(lr).float()

    def judge(self, picture: torch.Tensor) -> torch.Tensor:
        # DDP waits for the gradients of every forward pass, and frozen, there are none.
        trained = next(self.discriminator.parameters()).requires_grad
        if self._parallel_d is None or not trained:
            return super().judge(picture)
        with self._autocast():
            return self._parallel_d(picture).float()

    def _agreed(self, steps: int) -> int:
        box = [steps]
        distributed.broadcast_object_list(box)
        return box[0]

    def update(self, lr: torch.Tensor, hr: torch.Tensor) -> dict[str, torch.Tensor]:
        values = super().update(lr, hr)
        means = torch.stack([value.detach().float() for value in values.values()])
        distributed.all_reduce(means)  # so that all log, and object to, the same figures
        return dict(zip(values, means / world_size(), strict=True))

    def run(self, *args: Any, progress: bool = True, **options: Any) -> Generator:
        """As the plain one's.

        Raises:
            TrainingError: also if another process has ended.
        """
        try:
            return super().run(*args, progress=progress and rank() == 0, **options)
        except RuntimeError as error:
            if not any(word in str(error) for word in ("gloo", "NCCL", "peer", "Socket")):
                raise
            raise TrainingError(
                f"Process {rank()} of {world_size()} waits for one that has ended: see its "
                "message, and run again, with any number of processes, to go on."
            ) from error

    def kept_state(self) -> dict[str, Any] | None:
        box = [super().kept_state() if rank() == 0 else None]
        distributed.broadcast_object_list(box)  # the folder need not exist on other machines
        return box[0]


def distributed_kind(kind: type[Trainer]) -> type[Trainer]:
    """The class of trainer `kind` for this process: itself where there is only one."""
    return (
        kind if world_size() == 1 else type(f"Distributed{kind.__name__}", (Distributed, kind), {})
    )
