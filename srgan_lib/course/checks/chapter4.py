"""Checks of chapters 4 and 4b: noisy labels, losses on logits, one round of the game, a lead."""

import copy
import math
from collections.abc import Callable

import torch
from torch import nn

from ...losses import discriminator_loss, generator_adversarial_loss, gradient_norms
from .base import call, exercise, require


@exercise("4.1", points=1)
def lowest_loss(guess: float) -> str:
    """The least loss that noisy labels leave to the best discriminator."""
    one = -(0.85 * math.log(0.85) + 0.15 * math.log(0.15))
    require(guess > 0.01, "0 is the limit for hard labels: noisy ones punish a D that is sure.")
    require(
        not math.isclose(guess, 2 * math.log(2), abs_tol=0.01),
        "2 log 2 is the loss of a discriminator that guesses; the best one does better.",
    )
    require(
        not math.isclose(guess, one, abs_tol=0.005),
        "that is one of the two terms: HR and SR both count.",
    )
    require(
        math.isclose(guess, 2 * one, abs_tol=0.005),
        "put D = 0.85 for HR into -y log D - (1 - y) log(1 - D) with the mean label y, and the "
        "same for SR; use the natural logarithm.",
    )
    return f"{2 * one:.3f}: with noisy labels this, and not 0, is what a perfect D has."


@exercise("4.2", points=2)
def on_logits(for_discriminator: Callable, for_generator: Callable) -> str:
    """Both losses of the game as functions of logits."""
    generator = torch.Generator().manual_seed(0)
    hr, sr = (3 * torch.randn(6, 1, generator=generator) for _ in range(2))
    got = float(call(for_discriminator, hr, sr))
    right = float(discriminator_loss(hr, sr))
    require(
        not math.isclose(got, float(discriminator_loss(sr, hr)), rel_tol=1e-4),
        "D's loss has HR and SR exchanged: it shall say 1 to HR.",
    )
    require(
        not math.isclose(got, right / 2, rel_tol=1e-4),
        "D's loss is the sum of its two means, not the mean of the two.",
    )
    require(
        math.isclose(got, right, rel_tol=1e-4),
        f"D's loss is {right:.4f} here, not {got:.4f}: -log D(HR) - log(1 - D(SR)), each averaged.",
    )
    got, right = float(call(for_generator, sr)), float(generator_adversarial_loss(sr))
    require(
        not math.isclose(got, -float(nn.functional.softplus(sr).mean()), rel_tol=1e-4),
        "G's loss is the literal one, log(1 - D); take the non-saturating -log D.",
    )
    require(math.isclose(got, right, rel_tol=1e-4), f"G's loss is {right:.4f} here, not {got:.4f}.")
    far = torch.full((2, 1), 200.0)
    values = [call(for_discriminator, -far, far), call(for_generator, -far)]
    of_d, of_g = (float(value) for value in values)
    require(
        math.isclose(of_d, 400, rel_tol=1e-3) and math.isclose(of_g, 200, rel_tol=1e-3),
        f"for logits of 200 on the wrong side the losses are 400 and 200, yours are {of_d:g} and "
        f"{of_g:g}: the sigmoid has saturated; use softplus.",
    )
    far.requires_grad_()
    slope = torch.autograd.grad(call(for_generator, -far).sum(), far)[0].abs().sum()
    require(slope > 0.5, "G's loss has no gradient at a logit of -200, where it needs it most.")
    return "The same formulas as on the sigmoid, and a gradient everywhere."


@exercise("4.3", points=2)
def one_round(play: Callable) -> str:
    """One update of D and one of G."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start = nn.Conv2d(3, 3, 3, padding=1), nn.Sequential(nn.Conv2d(3, 1, 3), nn.Flatten())
        lr, hr = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 6, 6)

    def after(game):
        networks = copy.deepcopy(start)
        optimizers = [torch.optim.SGD(network.parameters(), lr=0.5) for network in networks]
        game(*networks, *optimizers, lr, hr)
        return [nn.utils.parameters_to_vector(n.parameters()).detach() for n in networks]

    def reference(generator, discriminator, optimizer_g, optimizer_d, lr, hr):
        sr = generator(lr)
        optimizer_d.zero_grad()
        discriminator_loss(discriminator(hr), discriminator(sr.detach())).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        generator_adversarial_loss(discriminator(sr)).backward()
        optimizer_g.step()

    before = [nn.utils.parameters_to_vector(n.parameters()).detach() for n in start]
    g, d = after(lambda *arguments: call(play, *arguments, returns=False))
    g_right, d_right = after(reference)
    require(not torch.equal(d, before[1]), "the discriminator did not learn: its weights stayed.")
    require(
        not torch.equal(g, before[0]),
        "the generator did not learn: in its own loss SR must keep its graph, without `detach`.",
    )
    require(
        torch.allclose(d, d_right, atol=1e-6),
        "the discriminator went elsewhere than its own loss leads: does its step come first, on "
        "HR and SR, and does nothing else move it?",
    )
    require(
        torch.allclose(g, g_right, atol=1e-6),
        "the generator went elsewhere than -log D(SR) leads: D's loss must not reach it (`detach` "
        "SR there, or clear its gradients after), and it plays against the updated D.",
    )
    return "Two updates, and neither network moved on the other's loss."


@exercise("4.4", points=3)
def derived_factor(
    factor: float, lead: float, content: torch.Tensor, adversarial: torch.Tensor, sr: torch.Tensor
) -> str:
    """The weight with which content leads by `lead`, measured on gradients."""
    factor = float(factor)
    norms = gradient_norms({"content": content, "adversarial": adversarial}, sr)
    right = lead * norms["adversarial"] / norms["content"]
    by_values = lead * float(adversarial.detach() / content.detach())
    require(
        not math.isclose(factor, by_values, rel_tol=1e-3),
        "you compared the values of the two terms; the generator feels their gradients.",
    )
    require(
        not math.isclose(factor, 1 / right, rel_tol=1e-3),
        "the factor is upside down: a term that pulls too hard needs a small one.",
    )
    require(
        not math.isclose(factor, right / lead, rel_tol=1e-3),
        f"with this factor both pull equally hard; content was to lead by {lead:g}.",
    )
    got = factor * norms["content"] / norms["adversarial"]
    require(
        math.isclose(factor, right, rel_tol=1e-2),
        f"with your factor content leads by {got:.3g} to 1; it was to be {lead:g} to 1.",
    )
    return f"The values alone would have given {by_values:.3g} in place of {right:.3g}."
