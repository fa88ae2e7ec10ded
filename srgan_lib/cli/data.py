"""`srgan data`: the data sets, or one of them fetched."""

import argparse

from ..datasets.catalog import DATASETS, dataset, dataset_from_zip
from ..datasets.sources import is_dataset


def run(args: argparse.Namespace) -> None:
    if not args.name:
        for entry in DATASETS.values():
            print(f"{entry.name:<12} {entry.homepage}")
        return
    fetch = dataset if is_dataset(args.name) else dataset_from_zip
    print(fetch(args.name, args.root))
