"""Lists the layers of a study's networks: `list_layers.py [STUDY.yaml] [--model NAME]`.

Sizes are bytes a stimulus under each reduction; `-` where one doesn't fit the layer's axes. What
goes into a layer is chosen by {input: NAME}.
"""

import argparse
import sys
from pathlib import Path

from codespectra.errors import UserError
from codespectra.study.layer_list import list_layers
from codespectra.study.remembered import cached_classes, cached_layers
from codespectra.study.sections.study import load_study
from codespectra.study.study_file import read_study_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", nargs="?", default="config.yaml", help="a study's YAML")
    parser.add_argument("--model", help="one of its models; else all")
    parser.add_argument("--side", type=int, help="pixels of the images; else of the first set")
    arguments = parser.parse_args()
    study = load_study(read_study_file(arguments.study))
    memory = Path(".snakemake/codespectra")
    known = cached_layers(memory), cached_classes(memory)
    for model in [arguments.model] if arguments.model else study.models:
        table = list_layers(study, model, arguments.side, *known)
        print(f"{model}: {len(table)} layers")
        print(table.to_string(index=False))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
