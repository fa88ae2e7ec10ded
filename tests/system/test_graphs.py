"""Recorded steps: with a stand-in for CUDA's graphs everywhere, and with the real ones on a GPU."""

import gc
import weakref
from contextlib import contextmanager, nullcontext

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from srgan_lib.adversarial import make_trainer
from srgan_lib.data import PatchPool
from srgan_lib.errors import ConfigError, Note
from srgan_lib.system.cuda_graphs import RecordedStep
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
    def graph(new, pool, stream, capture_error_mode):
        given.append(pool)
        Graph.recording = new
        try:
            yield
        except RuntimeError:
            raise RuntimeError("capture failed, too")  # noqa: B904  # as PyTorch's does
        finally:
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
        on_the_device(
            lambda: result.copy_(
                rate * (lr + 10 * hr + 100 * top + 1000 * left + noise[0] - noise[1])
            )
        )
        return {"loss": result}

    def recorded(self):
        """The recorded step, and the same as a function of the batch."""
        step = RecordedStep([self.optimizer], torch.device("cpu"))
        return step, lambda *batch: step(self.learn, *batch)


def test_a_replay_sees_this_steps_batch_rate_place_and_labels(pools):
    learner = Learner()
    (_, do), group = learner.recorded(), learner.optimizer.param_groups[0]
    for number in range(12):
        group["lr"] = 1.0 + number
        lr, hr, place = torch.tensor(number), torch.tensor(2 * number), (number % 2, 1)
        labels = torch.tensor(0.5 * number), torch.tensor(0.25)
        loss = do(lr, hr, place, labels)["loss"].item()
        parts = number + 20 * number + 100 * (number % 2) + 1000 + 0.5 * number - 0.25
        assert loss == pytest.approx((1 + number) * parts)
        assert group["lr"] == 1.0 + number and not group["capturable"]  # left as they were


def test_python_works_for_the_first_steps_and_once_for_each_place(pools):
    learner = Learner()
    (step, do), one = learner.recorded(), torch.ones(())
    for _ in range(20):
        for place in [(0, 0), (1, 2)]:
            do(one, one, place, None)
    assert learner.calls == step.WARM_UP + 2
    assert pools == [None, "pool"]  # the second recording shares the first one's memory
    step.forget()
    do(one, one, (0, 0), None)
    assert learner.calls == step.WARM_UP + 3 and not step.graphs


def test_what_was_returned_stays_and_a_batch_of_another_size_is_computed_as_it_is(pools):
    learner = Learner()
    (step, do), one = learner.recorded(), torch.ones(2)
    learner.learn = lambda lr, hr, place, labels: learner_sum(learner, lr)
    values = [do(number * one, one, (0, 0), None)["sum"] for number in range(9)]
    assert [value.item() for value in values] == [2.0 * number for number in range(9)]
    assert do(torch.ones(1), torch.ones(1), (0, 0), None)["sum"].item() == 1.0
    assert do(5 * one, one, (0, 0), None)["sum"].item() == 10.0
    assert learner.calls == step.WARM_UP + 2


def learner_sum(learner, lr):
    learner.calls += 1
    result = torch.zeros(())
    on_the_device(lambda: result.copy_(lr.sum()))
    return {"sum": result}


def test_where_recording_fails_steps_are_computed_as_they_are(pools):
    learner, learn = Learner(), Learner().learn
    (step, do), one = learner.recorded(), torch.ones(())

    def fail(*batch):
        if Graph.recording is not None:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")
        return learn(*batch)

    learner.learn = fail
    for _ in range(step.WARM_UP):
        do(one, one, (0, 0), None)
    with pytest.warns(Note, match=r"CUDA graph \(operation not permitted\): training goes on"):
        losses = [do(number * one, one, (0, 0), None)["loss"].item() for number in range(9)]
    assert losses == [10.0 + number for number in range(9)]
    assert len(pools) == 1 and not step.graphs  # and it was not tried again
    group = learner.optimizer.param_groups[0]
    assert group["lr"] == 1.0 and not group["capturable"]


def test_a_loaded_state_is_recorded_anew_with_its_own_settings(tiny, pool, pools):
    trainer = Trainer(tiny("srresnet"), pool)
    trainer.recorded = RecordedStep(trainer.optimizers, trainer.device)
    trainer.recorded.calls = 99
    trainer.load_state(trainer.state())  # the optimizer's settings are other objects now
    assert trainer.recorded.calls == 0
    assert trainer.recorded.groups[0] is trainer.optimizer.param_groups[0]
    seen = []

    def learn(*batch):
        seen.append(dict(trainer.optimizer.param_groups[0]))
        return {}

    for _ in range(RecordedStep.WARM_UP + 1):
        trainer._set_rates(0.125)
        trainer.recorded(learn, *trainer.batch(), (0, 0), None)
    assert [group["capturable"] for group in seen] == [False] * RecordedStep.WARM_UP + [True]
    assert seen[-1]["lr"].item() == 0.125


def test_on_a_cpu_nothing_is_recorded(tiny, pool):
    assert Trainer(tiny("srresnet"), pool).recorded is None
    with pytest.raises(ConfigError, match="CUDA graphs need a GPU"):
        Trainer(tiny("srresnet"), pool, graphs=True)


def test_a_trainer_that_records_is_gone_when_nobody_has_it(tiny, pool, pools):
    trainer = Trainer(tiny("srresnet"), pool)
    trainer.recorded = RecordedStep(trainer.optimizers, trainer.device)
    trainer.update(*trainer.batch())
    gone = weakref.ref(trainer)
    gc.disable()  # its graphs hold much of a GPU's memory: it must not wait for a collection
    try:
        del trainer
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["srresnet", "srresnet-mse", "srgan", "srgan-vgg54", "blog"])
def test_on_a_gpu_recorded_steps_learn_what_others_learn(name, tiny, pictures, tmp_path):
    recipe = tiny(name, steps=30, learning_rate=1e-3)
    moves, losses = [], []
    for graphs in (False, True):
        options = {"vgg": "random", "graphs": graphs, "precision": "float32"}
        pool = PatchPool(pictures, device="cuda")
        trainer = make_trainer(recipe, pool, tmp_path / str(graphs), **options)
        start = parameters_to_vector(trainer.generator.parameters())
        trainer.run(15, log_every=1, progress=False)
        trainer = make_trainer(recipe, pool, tmp_path / str(graphs), **options)
        assert trainer.resume()
        trainer.run(log_every=1, progress=False)
        assert not graphs or trainer.recorded.graphs
        moves.append(parameters_to_vector(trainer.generator.parameters()) - start)
        losses.append([{**row, "minutes": 0} for row in trainer.history])
    assert (moves[0] - moves[1]).norm() < 0.02 * moves[0].norm()
    for eager, recorded in zip(*losses, strict=True):
        assert recorded == pytest.approx(eager, rel=0.01, abs=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_a_step_that_waits_for_a_value_is_not_recorded_and_trains_on(tiny, pictures):
    recipe = tiny("srresnet", steps=12)
    trainer = Trainer(recipe, PatchPool(pictures, device="cuda"), precision="float32")
    learn = trainer.learn

    def waits(*batch):
        values = learn(*batch)
        values["l1"].item()
        return values

    trainer.learn = waits
    with pytest.warns(Note, match="could not be recorded"):
        trainer.run(progress=False)
    assert trainer.step == 12 and not trainer.recorded.graphs
    assert all(p.isfinite().all() for p in trainer.generator.parameters())
    assert torch.rand(1, device="cuda").isfinite().all()  # the GPU is as usable as before
