"""The film of a training: what it keeps, finds again and leaves untouched."""

import copy

import matplotlib.pyplot as plt
import numpy as np
import pytest

from srgan_lib import evaluation
from srgan_lib.adversarial import make_trainer
from srgan_lib.degradation import bicubic_downscale
from srgan_lib.display import film
from srgan_lib.display.film import TrainingFilm
from srgan_lib.errors import ImageError
from srgan_lib.images import read_image
from srgan_lib.inference import upscale
from srgan_lib.training import Trainer

PANELS = {"loss": ["l1"]}


class Handle:
    """Stands in for IPython's display handle."""

    shown = None

    def update(self, figure, metadata):
        self.shown.append(metadata["image/png"]["alt"])


@pytest.fixture(autouse=True)
def screen(monkeypatch):
    def display(figure, display_id, metadata):
        assert display_id
        Handle.shown = [metadata["image/png"]["alt"]]
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)


@pytest.fixture
def hr():
    return np.random.default_rng(3).integers(0, 256, (64, 48, 3), np.uint8)


def watch(hr):
    return TrainingFilm(PANELS, bicubic_downscale(hr, 4), hr, "noise")


def kept(folder):
    return sorted((folder / film.FOLDER).rglob("*.png"))


def test_moments_are_kept_in_the_run_and_found_by_a_later_session(tiny, pool, tmp_path, hr):
    recipe = tiny("srresnet", steps=6)
    trainer = Trainer(recipe, pool, tmp_path)
    first, open_figures = watch(hr), plt.get_fignums()
    trainer.run(until=3, on_log=first, log_every=1, progress=False)
    assert [path.name for path in kept(tmp_path)] == [f"step_000000{i}.png" for i in (1, 2, 3)]
    assert len(Handle.shown) == 3 and plt.get_fignums() == open_figures

    resumed = Trainer(recipe, pool, tmp_path)
    resumed.resume()
    second = watch(hr)
    resumed.run(on_log=second, log_every=1, progress=False)
    scrubber = second.scrubber(resumed)
    assert [words.split(",")[0] for words in scrubber.frames] == [f"step {i}" for i in range(1, 7)]
    assert np.array_equal(second.moments[2], first.moments[2])


def test_the_film_begins_with_the_start(tiny, pool, tmp_path, hr):
    recipe = tiny("srgan-mse", steps=2)
    trainer = make_trainer(recipe, pool, tmp_path, validate=lambda network: {"psnr_y": 21.5})
    untrained = upscale(copy.deepcopy(trainer.result), bicubic_downscale(hr, 4))
    first = watch(hr)
    first(trainer)
    trainer.run(until=1, on_log=first, log_every=1, progress=False)

    resumed = make_trainer(recipe, pool, tmp_path, validate=lambda network: {"psnr_y": 22.5})
    resumed.resume()
    second = watch(hr)
    second(resumed)  # not the start, though nothing has been trained in this session
    resumed.run(on_log=second, log_every=1, progress=False)
    for watched in (first, second):
        scrubber = watched.scrubber(resumed)
        assert scrubber.frames[0] == "step 0, PSNR-Y 21.50 dB"
        assert [words.split(",")[0] for words in scrubber.frames] == ["step 0", "step 1", "step 2"]
        assert np.array_equal(watched.moments[0], untrained)
    assert not np.array_equal(second.moments[2], untrained)


@pytest.mark.parametrize("kept", [None, "{", "[0]", '{"step": 3}'])
def test_a_start_that_cannot_be_used_is_left_out(kept, tiny, pool, tmp_path, hr):
    trainer = Trainer(tiny("srresnet", steps=1), pool, tmp_path)
    watched = watch(hr)
    watched(trainer)
    trainer.run(on_log=watched, log_every=1, progress=False)
    file = tmp_path / film.FOLDER / film.START
    file.unlink() if kept is None else file.write_text(kept)
    assert len(watch(hr).scrubber(trainer).frames) == 1


def test_moments_of_no_or_another_run_are_left_alone(tiny, pool, tmp_path, hr):
    trainer = Trainer(tiny("srresnet", steps=2), pool, tmp_path)
    watched = watch(hr)
    trainer.run(on_log=watched, log_every=1, progress=False)
    folder = kept(tmp_path)[0].parent
    (folder / "step_0000009.png").write_bytes((folder / "step_0000001.png").read_bytes())
    (folder / "step_0000001.png").write_bytes(b"not a picture")
    later = watch(hr)
    assert len(later.scrubber(trainer).frames) == 1  # step 9 never was, step 1 is damaged
    assert (folder / "step_0000001.png").read_bytes() == b"not a picture"


def test_two_pictures_of_one_size_have_two_films(tiny, pool, tmp_path, hr):
    trainer = Trainer(tiny("srresnet", steps=2), pool, tmp_path)
    trainer.run(until=1, on_log=watch(hr), log_every=1, progress=False)
    other = watch(hr[::-1].copy())
    trainer.run(on_log=other, log_every=1, progress=False)
    assert len(other.scrubber(trainer).frames) == 1 and len(kept(tmp_path)) == 2


def test_watching_changes_nothing_in_the_training(tiny, pool, hr):
    recipe = tiny("srresnet-mse", steps=4)  # batch norm, and no running mean
    validate = evaluation.validation_psnr(size=32)
    watched, alone = (Trainer(recipe, pool, validate=validate) for _ in range(2))
    look = watch(hr)
    look(watched)
    watched.run(on_log=look, log_every=1, progress=False)
    alone.run(log_every=1, progress=False)
    assert watched.generator.training
    pairs = zip(watched.generator.parameters(), alone.generator.parameters(), strict=True)
    assert all((a == b).all() for a, b in pairs)


def test_a_long_film_is_thinned_and_keeps_both_ends(tiny, pool, hr, monkeypatch):
    monkeypatch.setattr(film, "MOST_FRAMES", 3)
    trainer = Trainer(tiny("srresnet", steps=8), pool)
    watched = watch(hr)
    trainer.run(on_log=watched, log_every=1, progress=False)
    frames = watched.scrubber(trainer).frames
    assert len(frames) == 3 and frames[0].startswith("step 1") and frames[-1].startswith("step 8")


def test_the_last_moment_is_what_the_network_makes(tiny, pool, tmp_path, hr):
    trainer = Trainer(tiny("srresnet", steps=2), pool, tmp_path)
    watched = watch(hr)
    trainer.run(on_log=watched, log_every=1, progress=False)
    made = upscale(trainer.result, watched.lr)
    assert np.array_equal(watched.moments[2], made)
    assert np.array_equal(read_image(kept(tmp_path)[-1]), made)


def test_pictures_that_do_not_belong_together_are_refused(hr):
    with pytest.raises(ImageError, match="integer number of times"):
        TrainingFilm(PANELS, hr[:10, :10], hr, "noise")
    with pytest.raises(ImageError, match="alt"):
        TrainingFilm(PANELS, hr, hr, "")
