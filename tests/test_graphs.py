"""Recorded steps: with a stand-in for CUDA's graphs everywhere, and with the real ones on a GPU."""

from contextlib import contextmanager, nullcontext

import pytest
import torch

from srgan_lib.adversarial import make_trainer
from srgan_lib.data import PatchPool
from srgan_lib.graphs import RecordedStep
from srgan_lib.training import Trainer


class Stream:
    def __init__(self, device=None):
        pass

    def wait_stream(self, other):
        pass


class Graph:
    """Keeps what is done while it records, and does it when it is replayed: as CUDA's."""

    recording = None

    def __init__(self):
        self.work = []

    def pool(self):
        return "pool"

    def replay(self):
        for do in self.work:
            do()


def on_the_device(do) -> None:
    """Do it, or have the graph that records do it later."""
    if Graph.recording is None:
        do()
    else:
        Graph.recording.work.append(do)


@pytest.fixture
def pools(monkeypatch):
    """PyTorch's graphs replaced; returns the memory pools that recordings were given."""
    given = []

    @contextmanager
    def graph(new, pool, stream):
        given.append(pool)
        Graph.recording = new
        yield
        Graph.recording = None

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    return given


class Learner:
    """A step on one weight whose result tells all that went in."""

    def __init__(self):
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.optimizer = torch.optim.Adam([self.weight], lr=1.0)
        self.calls = 0

    def learn(self, lr, hr, place, labels):
        self.calls += 1
        rate, (top, left), result = self.optimizer.param_groups[0]["lr"], place, torch.zeros(())
        noise = labels or (torch.zeros(()), torch.zeros(()))
        parts = lambda: lr + 10 * hr + 100 * top + 1000 * left + noise[0] - noise[1]  # noqa: E731
        on_the_device(lambda: result.copy_(rate * parts()))
        return {"loss": result}

    def recorded(self) -> RecordedStep:
        return RecordedStep(self.learn, [self.optimizer], torch.device("cpu"))


def test_a_replay_sees_this_steps_batch_rate_place_and_labels(pools):
    learner = Learner()
    step, group = learner.recorded(), learner.optimizer.param_groups[0]
    for number in range(12):
        group["lr"] = 1.0 + number
        lr, hr, place = torch.tensor(number), torch.tensor(2 * number), (number % 2, 1)
        labels = torch.tensor(0.5 * number), torch.tensor(0.25)
        loss = step(lr, hr, place, labels)["loss"].item()
        parts = number + 20 * number + 100 * (number % 2) + 1000 + 0.5 * number - 0.25
        assert loss == pytest.approx((1 + number) * parts)
        assert group["lr"] == 1.0 + number and not group["capturable"]  # left as they were


def test_python_works_for_the_first_steps_and_once_for_each_place(pools):
    learner = Learner()
    step, one = learner.recorded(), torch.ones(())
    for _ in range(20):
        for place in [(0, 0), (1, 2)]:
            step(one, one, place, None)
    assert learner.calls == step.WARM_UP + 2
    assert pools == [None, "pool"]  # the second recording shares the first one's memory
    step.forget()
    step(one, one, (0, 0), None)
    assert learner.calls == step.WARM_UP + 3 and not step.graphs


def test_optimizers_are_left_as_they_were_if_recording_fails(pools):
    learner = Learner()
    step, one = learner.recorded(), torch.ones(())
    for _ in range(step.WARM_UP):
        step(one, one, (0, 0), None)

    def fail(*args):
        raise RuntimeError("no memory")

    step.learn = fail
    with pytest.raises(RuntimeError):
        step(one, one, (0, 0), None)
    group = learner.optimizer.param_groups[0]
    assert group["lr"] == 1.0 and not group["capturable"]


def test_on_a_cpu_nothing_is_recorded_and_a_loaded_state_is_recorded_anew(tiny, pool, pools):
    assert Trainer(tiny("srresnet"), pool).recorded is None
    trainer = Trainer(tiny("srresnet"), pool)
    trainer.recorded = RecordedStep(trainer.learn, trainer.optimizers, trainer.device)
    trainer.recorded.calls = 99
    trainer.load_state(trainer.state())
    assert trainer.recorded.calls == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["srresnet", "srresnet-mse", "srgan", "srgan-vgg54", "blog"])
def test_on_a_gpu_recorded_steps_learn_what_others_learn(name, tiny, pictures):
    losses = []
    for graphs in (False, True):
        pool = PatchPool(pictures, device="cuda")
        trainer = make_trainer(tiny(name, steps=40), pool, vgg="random", graphs=graphs)
        trainer.run(log_every=1, progress=False)
        losses.append([{**row, "minutes": 0} for row in trainer.history])
    for eager, recorded in zip(*losses, strict=True):
        assert recorded == pytest.approx(eager, rel=0.05)
