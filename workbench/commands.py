"""The commands beside training: models, datasets, runs, show, sample, completion."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class
from rich.console import Console
from rich.table import Table
from rich.text import Text

import models as registry
from models.errors import InputError
from models.settings import describe
from workbench.config import RunConfig, differing
from workbench.data import catalogue
from workbench.runs import listing, query
from workbench.runs.listing import Listing, ordered
from workbench.runs.state import State
from workbench.units import age, dataset_title, duration, number, plain

_UNBOUNDED = 10_000


def _runs_dir() -> Path:
    """What was given before the command, or the usual place."""
    parent = click.get_current_context().parent
    return parent.params.get("runs_dir", Path("runs")) if parent else Path("runs")


RUNS_DIR = click.option("--runs-dir", type=Path, default=_runs_dir, metavar="PATH", help="Default: ./runs.")


def complete_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The runs whose names begin so, for a shell."""
    runs_dir = context.params.get("runs_dir") or Path("runs")
    return [folder.name for folder in listing.runs(runs_dir) if folder.name.startswith(incomplete)]


RUN = click.argument("run", shell_complete=complete_run)


def _table(*headers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        # The first column is a name, to be copied whole; the others may fold.
        table.add_column(header, overflow="fold", no_wrap=header == headers[0])
    return table


def _console() -> Console:
    """A terminal in its width; a pipe without an end, so that each row is one line, for grep and for eyes."""
    endless = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_UNBOUNDED if endless else None)


def _seen(text: object) -> str:
    """A text from a file as it may stand on one line of a terminal: nothing in it moves the cursor."""
    return "".join(character if character.isprintable() else "\ufffd" for character in str(text))


def _print(*renderables: Any) -> None:
    console = _console()
    for renderable in renderables:
        console.print(renderable, markup=False, soft_wrap=isinstance(renderable, str | Text))


@click.command("models")
@click.argument("name", required=False)
def models_command(name: str | None) -> None:
    """List the models, or show one with all its settings."""
    if name is None:
        table = _table("model", "what it is")
        for one in registry.names():
            table.add_row(one, registry.about(one).splitlines()[0])
        _print(table, "\n`genbench models NAME` shows one with its objective and its settings.")
        return
    table = _table("setting", "default", "allowed", "meaning")
    for setting in describe(registry.settings(name)).values():
        table.add_row(setting.flag, plain(setting.default), setting.allowed(), setting.help)
    _print(registry.about(name) + "\n", table)


@click.command("datasets")
@click.option("--data-dir", type=Path, metavar="PATH", help="Where to look for sets on disk.")
def datasets_command(data_dir: Path | None) -> None:
    """List the image sets and whether each is here."""
    where = catalogue.data_dir(data_dir)
    row = "{:<15}{:<10}{:<14}{:>8}{:>10}{:>9}".format
    lines = []
    for info in catalogue.DATASETS.values():
        present = "on disk" if catalogue.is_present(info, where) else "download"
        here = "built in" if info.kind == "embedded" else present
        size = f"{info.size}x{info.size} {'colour' if info.channels == 3 else 'grey'}"
        lines += [
            row(info.name, here, size, f"{info.train:,}", f"{info.test:,}", info.classes),
            f"  {info.summary}",
        ]
    lines += [
        "folder:PATH",
        f"  Your own {', '.join(s[1:] for s in catalogue.SUFFIXES)} images; subfolders are classes.",
    ]
    header = row("dataset", "here", "size", "training", "held-out", "classes")
    _print(Text(header, style="bold"), *lines, f"\nDownloads go to {where}.")


@click.command("runs")
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@RUNS_DIR
def runs_command(words: tuple[str, ...], runs_dir: Path) -> None:
    """List the runs, the one last heard of first.

    FILTER shows only those that meet all of it. Put it in quotes, for the shell's sake:

    \b
    genbench runs 'model:gan lr>=1e-4'   by model and by a setting
    genbench runs '!failed loss<95'      not this state; by a held-out number
    genbench runs 'tag:paper mnist'      by tag, and by a part of the name
    """
    rows = Listing(runs_dir).rows()
    if not rows and os.path.lexists(runs_dir) and not os.access(runs_dir / ".", os.R_OK | os.X_OK):
        raise InputError(f"{runs_dir} is no folder that can be read. Give another --runs-dir.")
    if not rows:
        _print(f"There are no runs in {runs_dir} yet. `genbench --no-ui` makes one.")
        return
    wanted = query.parse(" ".join(words), rows)
    shown = [row for row in ordered(rows, "heartbeat", descending=True) if wanted.matches(row)]
    if not shown:
        _print(f"None of the {len(rows)} runs in {runs_dir} matches {' '.join(words)!r}.")
        return
    roomy = _console().width >= 100
    table = _table("run", "state", "model", "dataset", *["progress"] * roomy, "key number", "age")
    for row in shown:
        if not row.problem:
            done = [f"{row.step:,}/{row.steps_total:,}"] * roomy
            key = f"{row.key} {number(row.key_value)}" if row.key in row.metrics else ""
            old = age(time.time() - row.heartbeat) if row.heartbeat else ""
            table.add_row(*map(_seen, (row.name, row.status, row.model, row.dataset, *done, key, old)))
    _print(table, *(_seen(f"Note: {wrong}") for row in shown for wrong in (row.problem, row.note) if wrong))


@click.command("show")
@RUN
@RUNS_DIR
def show_command(run: str, runs_dir: Path) -> None:
    """Show one run: state, numbers, changed settings, pictures."""
    from workbench.runs import damage  # with numpy, which the other commands do without
    from workbench.runs.reader import RunReader

    folder = listing.find(run, runs_dir)
    read = RunReader(folder)
    while read.poll(1.0).behind:
        pass
    damaged = damage.found(folder)
    pictures = [path for path in folder.pictures() if path not in damaged]
    problems = [*read.problems, *read.lacking(), *damaged.values()]
    if not (read.state or read.config or pictures):
        raise InputError("\n".join(problems))
    _print(Text(_seen(folder.path), style="bold"))
    if read.state:
        _print(*_state_of(read.state))
    if folder.tags():
        _print(f"tags: {', '.join(folder.tags())}\n")
    if read.state:
        _print(_numbers_of(read.state), "")
    if read.config:
        _print(_settings_of(read.config), "")
    notes = read.state.notes if read.state else ()
    _print(*map(_seen, (*notes, *pictures, *(f"Note: {wrong}" for wrong in problems))))


def _state_of(state: State) -> list[str]:
    return [
        state.status, *([_seen(state.reason)] if state.reason else []),
        f"step {state.step:,} of {state.steps_total:,}, epoch {state.epoch:g}, "
        f"{duration(state.seconds)}, {state.images_per_second:,.0f} images/s\n",
    ]  # fmt: skip


def _numbers_of(state: State) -> Table:
    table = _table("metric", "held-out", "training")
    for name in dict.fromkeys(name.removeprefix("train_") for name in state.metrics):
        table.add_row(_seen(name), number(state.metrics.get(name)), number(state.metrics.get(f"train_{name}")))
    return table


def _settings_of(config: RunConfig) -> Table:
    changed = differing(config)
    table = _table("setting", "value", "default")
    for _, name, value in config.items():
        table.add_row(name, _seen(plain(value)), plain(changed[name][1]) if name in changed else "")
    return table


@click.command("sample")
@RUN
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=64, metavar="N", help="How many. Default: 64.")
@click.option("-o", "output", type=Path, metavar="PATH", help="Where the PNG goes. Default: in the run's samples/.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, metavar="N", help="Another seed, other images. Default: 0."
)
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")
@RUNS_DIR
def sample_command(run: str, count: int, output: Path | None, seed: int, device: str, runs_dir: Path) -> None:
    """Draw images from a trained model into one PNG grid."""
    import torch

    from workbench import figures, session
    from workbench.album import codes_from, weights
    from workbench.data.imageset import to_bytes
    from workbench.runs import files
    from workbench.training.order import generator

    if output is not None and output.suffix.lower() != ".png":
        raise InputError(f"The grid is a PNG; {output} is called otherwise. Choose another -o, such as grid.png.")
    folder = listing.find(run, runs_dir)
    output = output or folder.picture("samples", f"drawn-{count}-seed-{seed}")
    model, config, step = session.trained_model(folder, device)
    noise = generator(next(model.parameters()).device, seed, "pictures")
    with torch.inference_mode():
        parts = [model.sample(min(500, count - done), noise) for done in range(0, count, 500)]
    header = figures.Header(
        f"{type(model).__name__} on {dataset_title(config.data.dataset)}",
        f"{count} samples at step {step:,} · seed {seed} · {weights(config)} · {folder.name}",
        codes_from(model),
    )
    picture = figures.samples(to_bytes(torch.cat(parts)).cpu().numpy(), header)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        files.write(output, figures.png(picture))
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}). Choose another -o.") from None
    _print(str(output))


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell, e.g. eval "$(genbench completion bash)"."""
    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(click.Group("genbench"), {}, "genbench", "_GENBENCH_COMPLETE").source())


COMMANDS: dict[str, click.Command] = {
    "models": models_command, "datasets": datasets_command, "runs": runs_command,
    "show": show_command, "sample": sample_command, "completion": completion_command,
}  # fmt: skip
