"""Draw which module imports which: `python -m srgan_lib.course.architecture --write | --check`.

The figure in docs/architecture.md is made from the `import` statements. An arrow that follows from
two others is left out; a circle of imports is an error.
"""

import argparse
import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from ..errors import SRGANError
from ..system.files import PACKAGE, ROOT

PAGE = ROOT / "docs" / "architecture.md"
TEXT = """# Architecture

What a student reads stands flat at the top of `srgan_lib`; everything else has one of seven rooms.

| room | what is in it | may import |
|---|---|---|
| the top | pictures, networks, losses, training, inference, scores | the top, `system` |
| `system` | files, signals, devices, the layers that are faster | `errors` |
| `display` | figures, the slider, the film of a training | the top, `system` |
| `datasets` | named data sets, downloads, archives | the top, `system` |
| `performance` | pictures of any size, many GPUs, benchmarks | the top, `system` |
| `course` | the notebooks' setup, exercises, grading, the handout | the top, `system` |
| `results` | cards, RESULTS.md, reproduction | all of these but `course` |
| `cli` | one module a command | all of these but `course`, `display` |

Follow one picture. `images` reads its file as an array, with the help of `system`; `degradation`
shrinks it to LR. `data` cuts both into random patches; `training` shows them to the generator of
`models` and compares what comes out with the original by a content loss of `losses`, as a recipe of
`recipes` says; `adversarial` trains a discriminator beside it, and adds the adversarial loss, also
of `losses`. Every two minutes `checkpoints` keeps the state, and `weights` the network. `inference`
loads that and enlarges any LR, in tiles where the picture is large; `metrics` and `evaluation` say
how close SR is to the original; and `display.slider` lays both under a divider that the reader
moves. `srgan train` and `srgan upscale` (`cli`) call the same functions.

An arrow points to what a module imports, itself or through another one; a room is drawn as one.
Imports go one way: there are no circles.

Made by `python -m srgan_lib.course.architecture --write`; a test compares it with the code.

```mermaid
{diagram}
```
"""


def imports(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Module of the package -> modules of it that it imports; a subpackage counts as one module.

    Raises:
        SRGANError: modules import each other in a circle.
    """
    graph: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[0] in ("__init__", "__main__"):
            continue
        graph.setdefault(parts[0], set())
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            graph[parts[0]] |= set(_imported(node, parts, package)) - {parts[0]}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise SRGANError(f"These modules import each other in a circle: {circle}.") from None
    return graph


def _imported(node: ast.AST, parts: tuple[str, ...], package: Path):
    """Top-level names of the package that an import statement, in the module `parts`, is after."""
    if isinstance(node, ast.Import):
        names = [alias.name.split(".") for alias in node.names]
        yield from (name[1] for name in names if name[0] == package.name and len(name) > 1)
    elif isinstance(node, ast.ImportFrom):
        module = (node.module or "").split(".") if node.module else []
        if node.level:
            module = [*parts[: len(parts) - node.level], *module]
        elif module and module[0] == package.name:
            module = module[1:]
        else:
            return
        names = [module[0]] if module else [alias.name for alias in node.names]
        yield from (n for n in names if (package / f"{n}.py").exists() or (package / n).is_dir())


def diagram(graph: dict[str, set[str]]) -> str:
    """Mermaid's text of the graph, without arrows that follow from others."""

    def reached(module: str) -> set[str]:
        return graph[module].union(*map(reached, graph[module]))

    lines = ["graph TD"]
    for module in sorted(graph):
        direct = graph[module] - set().union(*map(reached, graph[module]))
        lines += [f"    {module} --> {other}" for other in sorted(direct)]
    alone = set(graph) - {word for line in lines[1:] for word in line.split(" --> ")}
    lone = alone - {line.split()[0] for line in lines[1:]}
    return "\n".join(lines + [f"    {module}" for module in sorted(lone)])


def page(package: Path = PACKAGE) -> str:
    """The whole page."""
    return TEXT.format(diagram=diagram(imports(package)))


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.architecture", description=__doc__.splitlines()[0]
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    action.add_argument("--check", action="store_true", help="compare it with the code")
    options = parser.parse_args(arguments)
    try:
        made = page()
    except SRGANError as error:
        print(error, file=sys.stderr)
        return 1
    if options.write:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != made:
        print("docs/architecture.md differs from the imports: run --write.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
