"""The commands beside training: models, datasets, runs, show, sample, evaluate, lab, completion."""

import os
import time
from pathlib import Path
from typing import Any, get_args

import click
from click.shell_completion import get_completion_class
from rich.table import Table
from rich.text import Text

import models as registry
from models.errors import InputError
from models.settings import describe
from workbench import comparing
from workbench.commandline import RUN, RUNS_DIR, console, say, seen, table_of
from workbench.config import RunConfig, Sampler, differing
from workbench.data import catalogue
from workbench.runs import listing, query
from workbench.runs.listing import Listing, ordered
from workbench.runs.state import State
from workbench.units import age, dataset_title, duration, number, plain


@click.command("models")
@click.argument("name", required=False)
def models_command(name: str | None) -> None:
    """List the models, or show one with all its settings."""
    if name is None:
        table = table_of("model", "what it is")
        for one in registry.names():
            table.add_row(one, registry.about(one).splitlines()[0])
        say(table, "\n`genbench models NAME` shows one with its objective and its settings.")
        return
    table = table_of("setting", "default", "allowed", "meaning")
    for setting in describe(registry.settings(name)).values():
        table.add_row(setting.flag, plain(setting.default), setting.allowed(), setting.help)
    say(registry.about(name) + "\n", table)


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
    say(Text(header, style="bold"), *lines, f"\nDownloads go to {where}.")


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
        say(f"There are no runs in {runs_dir} yet. `genbench --no-ui` makes one.")
        return
    wanted = query.parse(" ".join(words), rows)
    shown = [row for row in ordered(rows, "heartbeat", descending=True) if wanted.matches(row)]
    if not shown:
        say(f"None of the {len(rows)} runs in {runs_dir} matches {' '.join(words)!r}.")
        return
    roomy = console().width >= 100
    table = table_of("run", "state", "model", "dataset", *["progress"] * roomy, "key number", "age")
    for row in shown:
        if not row.problem:
            done = [f"{row.step:,}/{row.steps_total:,}"] * roomy
            key = f"{row.key} {number(row.key_value)}" if row.key in row.metrics else ""
            old = age(time.time() - row.heartbeat) if row.heartbeat else ""
            table.add_row(*map(seen, (row.name, row.status, row.model, row.dataset, *done, key, old)))
    say(table, *(seen(f"Note: {wrong}") for row in shown for wrong in (row.problem, row.note) if wrong))


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
    say(Text(seen(folder.path), style="bold"))
    if read.state:
        say(*_state_of(read.state))
    if folder.tags():
        say(f"tags: {', '.join(folder.tags())}\n")
    if read.state:
        say(_numbers_of(read.state), "")
    if read.evaluation:
        count = sum(one.value is not None for one in read.evaluation.measured)
        say(f"measured: {count} numbers at step {read.evaluation.step:,}; genbench compare {seen(folder.name)}", "")
    if read.config:
        say(_settings_of(read.config), "")
    notes = read.state.notes if read.state else ()
    say(*map(seen, (*notes, *pictures, *(f"Note: {wrong}" for wrong in problems))))


def _state_of(state: State) -> list[str]:
    return [
        state.status, *([seen(state.reason)] if state.reason else []),
        f"step {state.step:,} of {state.steps_total:,}, epoch {state.epoch:g}, "
        f"{duration(state.seconds)}, {state.images_per_second:,.0f} images/s\n",
    ]  # fmt: skip


def _numbers_of(state: State) -> Table:
    table = table_of("metric", "held-out", "training mean")
    for name in dict.fromkeys(name.removeprefix("train_") for name in state.metrics):
        table.add_row(seen(name), number(state.metrics.get(name)), number(state.metrics.get(f"train_{name}")))
    return table


def _settings_of(config: RunConfig) -> Table:
    changed = differing(config)
    table = table_of("setting", "value", "default")
    for _, name, value in config.items():
        table.add_row(name, seen(plain(value)), plain(changed[name][1]) if name in changed else "")
    return table


@click.command("sample")
@RUN
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=64, metavar="N", help="How many. Default: 64.")
@click.option("-o", "output", type=Path, metavar="PATH", help="Where the PNG goes. Default: in the run's samples/.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, metavar="N", help="Another seed, other images. Default: 0."
)
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")
@click.option(
    "--sampler", type=click.Choice(get_args(Sampler)), metavar="own|gaussian|mixture",
    help="Where codes come from: the model's own way, or a density fitted to training codes. Default: the run's.",
)  # fmt: skip
@RUNS_DIR
def sample_command(
    run: str, count: int, output: Path | None, seed: int, device: str, sampler: Sampler | None, runs_dir: Path
) -> None:
    """Draw images from a trained model into one PNG grid."""
    import torch

    from workbench import figures, sampling, session
    from workbench.data.imageset import to_bytes
    from workbench.runs import files
    from workbench.training.order import generator

    if output is not None and output.suffix.lower() != ".png":
        raise InputError(f"The grid is a PNG; {output} is called otherwise. Choose another -o, such as grid.png.")
    folder = listing.find(run, runs_dir)
    model, config, step = session.trained_model(folder, device)
    kind = sampler or config.training.sampler
    named = "" if kind == "own" else f"-{kind}"
    output = output or folder.picture("samples", f"drawn-{count}-seed-{seed}{named}")
    noise = generator(next(model.parameters()).device, seed, "pictures")
    with torch.inference_mode():
        source = sampling.make(kind, model, lambda: session.images_of_run(folder))
        parts = [source.draw(min(500, count - done), noise) for done in range(0, count, 500)]
    header = figures.Header(
        f"{type(model).__name__} on {dataset_title(config.data.dataset)}",
        f"{count} samples at step {step:,} · seed {seed} · {config.training.shown_weights} · {folder.name}",
        source.caption,
    )
    picture = figures.samples(to_bytes(torch.cat(parts)).cpu().numpy(), header)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        files.write(output, figures.png(picture))
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}). Choose another -o.") from None
    say(str(output))


@click.command("evaluate")
@RUN
@click.option("--fast", is_flag=True, help="The subset that is measured at the end of training, in seconds.")
@click.option(
    "--sampler", type=click.Choice(get_args(Sampler)), metavar="own|gaussian|mixture",
    help="Measure samples of this one only. Default: all that the model has; with --fast the run's own choice.",
)  # fmt: skip
@click.option(
    "--budget", type=click.FloatRange(1), metavar="SECONDS", help="Leave out what there is no time for by then."
)
@click.option(
    "--inception", type=click.Path(path_type=Path), metavar="PATH",
    help="Weights of Inception-v3 for features of photographs, which makes the Frechet distance an FID.",
)  # fmt: skip
@click.option(
    "--bounded", type=click.IntRange(1), metavar="N",
    help="Images of the importance-weighted bound, which takes thousands of samples of each. Default: 100.",
)  # fmt: skip
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--quiet", is_flag=True, help="Say nothing but notes and errors.")
@RUNS_DIR
def evaluate_command(run: str, runs_dir: Path, fast: bool, quiet: bool, **options: Any) -> int:
    """Measure a trained run: reconstruction, likelihood, latent structure, generation."""
    from workbench import comparison
    from workbench.assess import Wanted, assess_run
    from workbench.console import DataProgress
    from workbench.signals import Signals
    from workbench.training.control import Control

    folder = listing.find(run, runs_dir)
    control = Control()
    with Signals() as signals, DataProgress(console(), quiet) as progress:
        signals.lead_to(control)
        wanted = Wanted("fast" if fast else "full", **options)
        found = assess_run(folder, wanted, progress=progress, cancelled=lambda: control.stopping)
    if not quiet:
        comparing.show(comparison.compare([folder]))
    if found.notes:  # what is in the folder may be a whole one of before
        say(*(f"Note: {note}" for note in found.notes))
    return signals.exit_code if control.stopping else 0


@click.command("lab")
@click.option(
    "--dataset", metavar="NAME", help="Images of the autoencoder and the VAE. Default: mnist; quick: digits."
)
@click.option(
    "--colour", default="abstract", metavar="NAME", help="Images of the GAN, e.g. folder:PATH. Default: abstract."
)
@click.option("--quick", is_flag=True, help="Under three minutes on two cores: fewer images and epochs.")
@click.option("--resume", metavar="LAB", help="Go on with a lab (name or path): what is done is not done again.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of all three runs. Default: 0.")
@click.option("--data-dir", type=Path, metavar="PATH", help="Where to look for sets on disk.")
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="CPU threads. Default: as fast as can be.")
@click.option("--quiet", is_flag=True, help="Say nothing but notes and errors.")
@RUNS_DIR
def lab_command(runs_dir: Path, resume: str | None, quiet: bool, **options: Any) -> int:
    """Run the whole teaching lab: three models, six figures, one table, one report."""
    from workbench.lab.command import run_lab

    return run_lab(runs_dir, resume, quiet, options)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of a shell, e.g. eval "$(genbench completion bash)"."""
    completer = get_completion_class(shell)
    assert completer is not None
    click.echo(completer(click.Group("genbench"), {}, "genbench", "_GENBENCH_COMPLETE").source())


COMMANDS: dict[str, click.Command] = {
    "models": models_command, "datasets": datasets_command, "runs": runs_command,
    "show": show_command, "sample": sample_command, "evaluate": evaluate_command,
    "compare": comparing.compare_command, "lab": lab_command, "completion": completion_command,
}  # fmt: skip
