"""`srgan benchmark`: training and inference, timed against the plain way."""

import argparse

from ..performance.benchmark import benchmark, report
from ..performance.peak_memory import footprint
from ..system.devices import choose_device
from ..system.files import check_json, write_json


def run(args: argparse.Namespace) -> None:
    if args.json is not None:
        check_json(args.json, force=args.force)
    # First, because a bad size is refused there, and minutes of timing would be lost with it.
    memory = None if args.memory is None else footprint(args.memory, device=args.device)
    result = benchmark(
        choose_device(args.device), batch_size=args.batch_size, patch_size=args.patch_size,
        seconds=args.seconds, precision=args.precision,
    )  # fmt: skip
    if memory:
        result["memory"] = memory
    print(report(result))
    if args.json is not None:
        write_json(args.json, result)
