"""One training step recorded as a CUDA graph, and replayed instead of computed by Python.

A step of SRResNet is hundreds of kernels of a few microseconds each: a fast GPU computes them in
less time than Python needs to ask for them. A graph asks for all of them at once.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ..errors import Note

Values = dict[str, torch.Tensor]
Labels = tuple[torch.Tensor, torch.Tensor] | None


class RecordedStep:
    """Calls a step's function, at first as it is, then as recorded.

    What a graph reads must lie where it lay when it was recorded, so LR, HR and labels are copied
    to fixed places, and learning rates are tensors there. What decides on shapes or addresses, as
    a crop's place does, is recorded once for each of its values. Everything else that the function
    does is what it did when it was recorded: a weight of a loss that is changed later changes
    nothing. After a replay `.grad` is that of the last place recorded. Where recording fails,
    training goes on without, with a Note.

    Args:
        optimizers: those that the function steps; their settings and states stay as they are.
    """

    # Until then cuDNN chooses its algorithms, torch.compile compiles and Adam makes its state,
    # none of which a graph could contain.
    WARM_UP = 3

    def __init__(self, optimizers: Sequence[torch.optim.Optimizer], device: torch.device):
        self.optimizers, self.device = optimizers, device
        self.rates = [torch.zeros((), device=device) for _ in self.groups]
        self.stream = torch.cuda.Stream(device)
        self.possible = True
        self.forget()

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The settings of all optimizers, which are other objects after one has been loaded."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def forget(self) -> None:
        """Record again: the optimizers' state lies elsewhere now."""
        self.calls, self.inputs, self.pool = 0, None, None
        self.graphs: dict[tuple[int, int], tuple[torch.cuda.CUDAGraph, Values]] = {}

    def __call__(
        self,
        learn: Callable[..., Values],
        lr: torch.Tensor,
        hr: torch.Tensor,
        place: tuple[int, int],
        labels: Labels,
    ) -> Values:
        """The result of `learn(lr, hr, place, labels)`: tensors to be logged.

        A batch of another size than the recorded one is computed as it is.
        """
        self.calls += 1
        given = [lr, hr, *(labels or ())]
        if self.calls <= self.WARM_UP or not self.possible or not self._fit(given):
            return self._as_it_is(learn, lr, hr, place, labels)
        if self.inputs is None:
            self.inputs = [x.clone() for x in given]
        for kept, x in zip(self.inputs, given, strict=True):
            kept.copy_(x)
        for rate, group in zip(self.rates, self.groups, strict=True):
            rate.fill_(group["lr"])
        if place not in self.graphs and not self._try_to_record(learn, place):
            return self._as_it_is(learn, lr, hr, place, labels)
        graph, values = self.graphs[place]
        graph.replay()
        return {name: value.clone() for name, value in values.items()}

    def _fit(self, given: list[torch.Tensor]) -> bool:
        return self.inputs is None or [x.shape for x in given] == [x.shape for x in self.inputs]

    def _as_it_is(self, learn: Callable[..., Values], *inputs: Any) -> Values:
        here = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(here)  # graphs are recorded on a stream of their own, too
        try:
            with torch.cuda.stream(self.stream):
                return learn(*inputs)
        finally:
            here.wait_stream(self.stream)

    def _try_to_record(self, learn: Callable[..., Values], place: tuple[int, int]) -> bool:
        try:
            # PyTorch may leave its stream the current one if ending a recording fails.
            with torch.cuda.stream(torch.cuda.current_stream(self.device)):
                self.graphs[place] = self._record(learn, place)
        except RuntimeError as error:  # recording does not compute: no weight has moved
            self.forget()
            self.possible = False
            cause = error.__context__ or error  # where ending it failed only because of that
            reason = str(cause).strip().split("\n")[0].rstrip(".")
            warnings.warn(
                f"The step could not be recorded as a CUDA graph ({reason}): training goes on "
                "without, more slowly.",
                Note,
                stacklevel=2,
            )
        return self.possible

    def _record(
        self, learn: Callable[..., Values], place: tuple[int, int]
    ) -> tuple[torch.cuda.CUDAGraph, Values]:
        lr, hr, *labels = self.inputs
        graph = torch.cuda.CUDAGraph()
        # They share their memory: no graph needs anything of another one's run. Other threads, as
        # the one that reads the next shard, may use the GPU meanwhile.
        recording = torch.cuda.graph(
            graph, pool=self.pool, stream=self.stream, capture_error_mode="thread_local"
        )
        with self._capturable(), recording:
            values = learn(lr, hr, place, tuple(labels) or None)
            values = {name: value.detach() for name, value in values.items()}
        self.pool = graph.pool()
        return graph, values

    @contextmanager
    def _capturable(self) -> Iterator[None]:
        groups = self.groups
        before = [(group["lr"], group["capturable"]) for group in groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group.update(lr=rate, capturable=True)
        try:
            yield
        finally:
            for group, (rate, capturable) in zip(groups, before, strict=True):
                group.update(lr=rate, capturable=capturable)
