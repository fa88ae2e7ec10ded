"""One training step recorded as a CUDA graph, and replayed instead of computed by Python.

A step of SRResNet is hundreds of kernels of a few microseconds each: a fast GPU computes them in
less time than Python needs to ask for them. A graph asks for all of them at once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

Values = dict[str, torch.Tensor]
Labels = tuple[torch.Tensor, torch.Tensor] | None


class RecordedStep:
    """Calls `learn`, at first as it is, then as recorded.

    What a graph reads must lie where it lay when it was recorded, so LR, HR and labels are copied
    to fixed places, and learning rates are tensors there. What decides on shapes or addresses, as
    a crop's place does, is recorded once for each of its values.

    Args:
        learn: (LR, HR, place, labels) -> tensors to be logged; always of the same shapes.
        optimizers: those that `learn` steps; their settings and states stay as they are.
    """

    # Until then cuDNN chooses its algorithms, torch.compile compiles and Adam makes its state,
    # none of which a graph could contain.
    WARM_UP = 3

    def __init__(
        self,
        learn: Callable[..., Values],
        optimizers: Sequence[torch.optim.Optimizer],
        device: torch.device,
    ):
        self.learn, self.device = learn, device
        self.groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self.rates = [torch.zeros((), device=device) for _ in self.groups]
        self.stream = torch.cuda.Stream(device)
        self.forget()

    def forget(self) -> None:
        """Record again: the optimizers' state lies elsewhere now."""
        self.calls, self.inputs, self.pool = 0, None, None
        self.graphs: dict[tuple[int, int], tuple[torch.cuda.CUDAGraph, Values]] = {}

    def __call__(
        self, lr: torch.Tensor, hr: torch.Tensor, place: tuple[int, int], labels: Labels
    ) -> Values:
        self.calls += 1
        if self.calls <= self.WARM_UP:
            here = torch.cuda.current_stream(self.device)
            self.stream.wait_stream(here)  # graphs are recorded on a stream of their own, too
            with torch.cuda.stream(self.stream):
                values = self.learn(lr, hr, place, labels)
            here.wait_stream(self.stream)
            return values

        given = [lr, hr, *(labels or ())]
        if self.inputs is None:
            self.inputs = [x.clone() for x in given]
        for kept, x in zip(self.inputs, given, strict=True):
            kept.copy_(x)
        for rate, group in zip(self.rates, self.groups, strict=True):
            rate.fill_(group["lr"])
        if place not in self.graphs:
            self.graphs[place] = self._record(place)
        graph, values = self.graphs[place]
        graph.replay()
        return values

    def _record(self, place: tuple[int, int]) -> tuple[torch.cuda.CUDAGraph, Values]:
        lr, hr, *labels = self.inputs
        graph = torch.cuda.CUDAGraph()
        # They share their memory: no graph needs anything of another one's run.
        with self._capturable(), torch.cuda.graph(graph, self.pool, self.stream):
            values = self.learn(lr, hr, place, tuple(labels) or None)
            values = {name: value.detach() for name, value in values.items()}
        self.pool = graph.pool()
        return graph, values

    @contextmanager
    def _capturable(self) -> Iterator[None]:
        before = [(group["lr"], group["capturable"]) for group in self.groups]
        for group, rate in zip(self.groups, self.rates, strict=True):
            group.update(lr=rate, capturable=True)
        try:
            yield
        finally:
            for group, (rate, capturable) in zip(self.groups, before, strict=True):
                group.update(lr=rate, capturable=capturable)
