"""Recipes say what the paper and the post say; profiles only scale."""

import dataclasses

import pytest

from srgan_lib.errors import ConfigError
from srgan_lib.losses import CONTENT_LOSSES
from srgan_lib.recipes import PROFILES, RECIPES, get_recipe


def test_the_papers_numbers():
    srresnet, srgan = get_recipe("srresnet-mse"), get_recipe("srgan-vgg54")
    assert (srresnet.steps, srgan.steps, srgan.drops) == (1_000_000, 200_000, (0.5,))
    assert (srgan.batch_size, srgan.patch_size, srgan.adversarial) == (16, 96, 1e-3)
    assert [srgan.learning_rate_at(step) for step in (0, 99_999)] == [1e-4, 1e-4]
    assert srgan.learning_rate_at(100_000) == pytest.approx(1e-5)
    assert srgan.init == "srresnet-mse" and not srgan.label_noise


def test_the_posts_numbers():
    first, second = get_recipe("blog-srresnet"), get_recipe("blog")
    assert first.steps == 3 * 800 // 4 and second.steps == 240 * 800 // 4
    assert (second.batch_size, second.patch_size, second.label_noise) == (4, 256, True)
    assert second.content == (("blog", 0.006),) and second.adversarial == 1e-3
    assert second.learning_rate_at(200 * 200 - 1) == 1e-4
    assert second.learning_rate_at(200 * 200) == pytest.approx(1e-5)


def test_warmup_and_cosine():
    recipe = get_recipe("srresnet", steps=1000)
    rates = [recipe.learning_rate_at(step) for step in range(1001)]
    assert rates[0] < rates[50] < rates[100] and max(rates) <= recipe.learning_rate
    assert rates[100:] == sorted(rates[100:], reverse=True) and rates[-1] == pytest.approx(0)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", RECIPES)
def test_profiles_only_scale(name, profile):
    scaling = {"steps", "batch_size", "patch_size", "num_blocks", "channels"}
    scaling |= {"minutes", "least_steps"}
    published, scaled = RECIPES[name], get_recipe(name, profile)
    for field in dataclasses.fields(published):
        if field.name not in scaling:
            assert getattr(scaled, field.name) == getattr(published, field.name)
    if profile == "paper":
        assert scaled == published


def test_recipes_refer_to_things_that_exist():
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert {content for content, _ in recipe.content} <= CONTENT_LOSSES.keys()
        if recipe.init:
            assert RECIPES[recipe.init].variant == recipe.variant


def test_unknown_names():
    with pytest.raises(ConfigError, match="srgan-vgg54"):
        get_recipe("srgan-vgg45")
    with pytest.raises(ConfigError, match="smoke, cpu, colab, gpu, paper"):
        get_recipe("srgan", "fast")


def test_a_recipe_from_an_older_version_differs_and_breaks_nothing():
    recipe = RECIPES["srgan"]
    kept = recipe.as_dict() | {"steps": 7}
    assert recipe.differences(kept) == []
    del kept["augment"]  # unknown then, and without effect now
    assert recipe.differences(kept) == []
    del kept["shift"]  # unknown then, and on now
    assert recipe.differences(kept) == ["shift"]
