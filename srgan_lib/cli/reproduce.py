"""`srgan reproduce`: every network of the course trained, scored and compared."""

import argparse

from ..datasets.sources import load_pictures
from ..recipes import choose_profile
from ..results.reproduce import reproduce
from ..results.scores import sets_and_lpips
from ..system.devices import choose_device
from .train import about_data, print_log


def run(args: argparse.Namespace) -> None:
    device = choose_device(args.device)
    sets, lpips = sets_and_lpips(args, device)
    images = [picture.image for name in args.data for picture in load_pictures(name)]
    page = reproduce(
        args.out, args.variants, profile=args.profile or choose_profile(device.type),
        pictures=images, about_data=args.about or about_data(args.data), sets=sets, lpips=lpips,
        augment=args.augment, vgg=args.vgg, vgg_arch=args.vgg_arch, device=device, steps=args.steps,
        precision=args.precision, half=args.half, on_log=print_log,
    )  # fmt: skip
    print(page)
