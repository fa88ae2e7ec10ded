"""`srgan results`: RESULTS.md and its pictures, from the cards and measurements in data/."""

import argparse

from ..results.build import write_results


def run(args: argparse.Namespace) -> None:
    print(write_results())
