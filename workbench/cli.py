"""The command line: parse, build the configuration, call the engine, answer with an exit code.

Every flag of a model, of data and of training is generated from the settings. Importing this module imports
neither torch nor Textual, so help and mistakes answer at once.
"""

import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import split_arg_string

import models
from models.errors import InputError
from models.settings import Setting, suggest
from workbench import __version__
from workbench.config import CHANGEABLE, RunConfig, branched, changes, defaults, different, resolve, settings_of
from workbench.data import catalogue
from workbench.processes import place, silence

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
COMPLETE = "_GENBENCH_COMPLETE"
DEFAULT_MODEL = "vae"
SECTIONS = {"model": "Model settings", "data": "Images", "training": "Training"}
LAZY = {  # subcommand -> module that holds it, so that help need not import what the commands use
    "models": "Models and their settings.",
    "datasets": "Image sets: built in, on disk, or to download.",
    "runs": "Runs with their state and key number.",
    "show": "One run: settings, numbers, pictures.",
    "sample": "Draw images from a trained model.",
    "evaluate": "Measure a trained model.",
    "compare": "Runs in one table: which is better at what.",
    "lab": "AE, VAE and GAN with the lab's settings, and a report.",
    "completion": "Shell completion.",
}


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Mistakes are said in a sentence, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal or a pipe without our letters gets question marks
    try:
        _take_place(arguments)
        command = Genbench(*_model_and_dataset(arguments))
        return command.main(list(arguments), prog_name="genbench", standalone_mode=False) or DONE
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except (InputError, click.ClickException) as error:
        return _refuse(_sentences(error))
    except Exception as error:  # noqa: BLE001 (a bug: the screen gets one line, the rest goes to a file)
        return _bug(error)


def _take_place(arguments: Sequence[str]) -> None:
    """Of the processes that torchrun starts on a machine one speaks: what is wrong with a line, is so for all.

    Raises `InputError` where they cannot do together what is asked for.
    """
    where = place()
    if where.local:
        silence()
    if where.count > 1 and not {"--no-ui", "--help", "--version"} & set(arguments):
        raise InputError(
            "Several processes can train together, and nothing else: torchrun ... genbench --no-ui. "
            "Start any other command without torchrun."
        )


def _bug(error: Exception) -> int:
    from workbench import bugs

    click.echo(f"genbench: {bugs.keep(error)}", err=True)
    return FAILED


def _refuse(sentence: str) -> int:
    for line in sentence.splitlines():
        click.echo(f"genbench: {catalogue.printable(line)}", err=True)
    return USAGE


def _sentences(error: InputError | click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return _no_such_option(error)
    if (
        isinstance(error, click.MissingParameter)
        and error.param is not None
        and error.param.name in {"run", "runs"}
    ):
        return "Name a run, or any part of its name; genbench runs lists them."
    if isinstance(error, InputError):
        return str(error)
    said = " ".join(error.format_message().split())  # click may list choices on lines of their own
    return said.replace("a valid float range", "a number").replace("a valid integer range", "a whole number")


def _no_such_option(error: click.NoSuchOption) -> str:
    """One sentence for a flag that is not there: the nearest one, and the models that do have it."""
    wanted, context = error.option_name, error.ctx
    command = context.command if context else None
    owners = [name for name in models.names() if wanted in {s.flag for _, s in settings_of(name).values()}]
    if owners and isinstance(command, Genbench):
        have = "have" if owners[1:] else "has"
        return f"{command.model_name} has no setting {wanted}; {' and '.join(owners)} {have}."
    options = command.get_params(context) if command and context else ()
    known = [flag for option in options for flag in option.opts]
    near = suggest(wanted.strip("-"), [flag[2:] for flag in known if flag.startswith("--")])
    return f"There is no setting {wanted}." + near.replace("mean '", "mean '--")


def _model_and_dataset(arguments: Sequence[str]) -> tuple[str | None, str | None]:
    """What decides which flags there are and what their defaults are, found before they are parsed."""
    if COMPLETE not in os.environ:
        return _wanted(arguments, "--model"), _wanted(arguments, "--dataset")
    # A shell that asks for completions sends the line so far by the environment; its last word may be half one.
    model = _wanted(split_arg_string(os.environ.get("COMP_WORDS", "")), "--model")
    return model if model in models.names() else None, None


def _wanted(arguments: Sequence[str], flag: str) -> str | None:
    """The value of one flag, the last one given; None where it is not given."""
    value = None
    for argument, following in zip(arguments, [*arguments[1:], None], strict=False):
        if argument == flag:
            value = following
        elif argument.startswith(flag + "="):
            value = argument.split("=", 1)[1]
    return value


class SettingOption(click.Option):
    """A flag generated from a setting. Its text is checked with all others at once, by the settings."""

    def __init__(self, setting: Setting, section: str, default: Any) -> None:
        shown = "none" if default is None else f"{default:g}" if isinstance(default, float) else default
        super().__init__(
            [setting.flag, setting.name], metavar=_metavar(setting), shell_complete=_completions(setting),
            help=f"{setting.help} Default: {shown}.",
        )  # fmt: skip
        self.section = section


def _metavar(setting: Setting) -> str:
    words = {"whole": "N", "number": "X", "switch": "true|false", "text": "NAME", "path": "PATH"}
    return "|".join(setting.choices) if setting.choices else words[setting.kind]


def _completions(setting: Setting) -> Callable[..., list[str]]:
    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        known = {"dataset": [*catalogue.DATASETS, "folder:"], "device": ["auto", "cpu", "cuda", "mps"]}
        choices = list(setting.choices) or known.get(setting.name, [])
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


class Genbench(click.Group):
    """The top command. Which flags it has depends on the model and the dataset that the line names."""

    def __init__(self, model: str | None, dataset: str | None) -> None:
        self.model_name = model if model is not None else DEFAULT_MODEL
        values = defaults(self.model_name, dataset)
        generated = [
            SettingOption(setting, SECTIONS[group], values[name])
            for name, (group, setting) in settings_of(self.model_name).items()
        ]
        super().__init__(
            "genbench", invoke_without_command=True, callback=self._start,
            params=[*_own_options(), *generated],
            help="A workbench for deep generative models that lives in a terminal.\n\n"
            "`genbench` opens the workbench; `genbench --no-ui` trains here and now.",
        )  # fmt: skip

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(LAZY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in LAZY:
            return None
        command: click.Command = importlib.import_module("workbench.commands").COMMANDS[cmd_name]
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in LAZY:
            raise InputError(
                f"There is no command {args[0]!r}.{suggest(args[0], LAZY)} Commands: {', '.join(LAZY)}. "
                "Training has none: genbench --no-ui."
            )
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands, then the flags in sections; the model's section names the model."""
        with formatter.section("Commands"):
            formatter.write_dl(list(LAZY.items()))
        sections: dict[str, list[tuple[str, str]]] = {"Run": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record:
                sections.setdefault(getattr(parameter, "section", "Run"), []).append(record)
        for title, records in sections.items():
            with formatter.section(f"{title} of {self.model_name}" if title == SECTIONS["model"] else title):
                formatter.write_dl(records)
        others = [name for name in models.names() if name != self.model_name]
        formatter.write_paragraph()
        formatter.write_text(f"Other models have settings of their own: genbench --model {others[0]} --help.")

    def _start(self, **values: Any) -> int | None:
        context = click.get_current_context()
        if context.invoked_subcommand:
            _check_before_command(context)
            return None
        given = {name: values[name] for name in settings_of(self.model_name) if values[name] is not None}
        if not values["no_ui"] and not values["dry_run"]:
            return _workbench(self.model_name, given, context)
        resuming = values["resume"] is not None
        if resuming and values["model"] is not None:
            raise InputError("A resumed run keeps its model: leave --model out, or leave --resume out.")
        config = None if resuming else resolve(self.model_name, given)
        if values["dry_run"]:
            return _dry_run(config or _resumed(values, given), values)
        from workbench.signals import Signals

        with Signals() as signals:  # before torch is imported, which takes seconds
            return _train(config, values, given, signals)


def _train(config: RunConfig | None, values: dict[str, Any], given: dict[str, str], signals: Any) -> int:
    from workbench.headless import Options, train

    options = Options(
        runs_dir=values["runs_dir"], name=values["name"], resume=values["resume"], given=given,
        quiet=values["quiet"], as_json=values["json"], expect=values["expect"],
    )  # fmt: skip
    return train(config, options, signals)


def _workbench(model: str, given: dict[str, str], context: click.Context) -> int:
    """Open the workbench, its form filled with what was given. Raises `InputError` for flags it has no use for."""
    useless = [
        parameter.opts[0]
        for parameter in _own_options()
        if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        and parameter.name not in {"model", "runs_dir", "ascii"}
    ]
    if useless:
        raise InputError(f"{', '.join(useless)} is for training without the workbench: add --no-ui.")
    resolve(model, given)
    from workbench.ui.start import start

    return start(context.params["runs_dir"], model, given, ascii_only=context.params["ascii"])


def _own_options() -> list[click.Parameter]:
    """The flags that are not settings: which run, where it goes, how it talks."""

    def complete_models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in models.names() if name.startswith(incomplete)]

    def complete_runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        return importlib.import_module("workbench.commandline").complete_run(context, parameter, incomplete)

    return [
        click.Option(["--no-ui"], is_flag=True, help="Train without the workbench: scripts, batch jobs, CI."),
        click.Option(["--model"], metavar="NAME", shell_complete=complete_models,
                     help=f"{', '.join(models.names())}. Default: {DEFAULT_MODEL}."),
        click.Option(["--resume"], metavar="RUN", shell_complete=complete_runs,
                     help="Go on with a run (name or path) from its last checkpoint; with other settings "
                     "as a new run."),
        click.Option(["--runs-dir"], metavar="PATH", type=Path, default=Path("runs"),
                     help="Where run folders go. Default: ./runs."),
        click.Option(["--name"], metavar="NAME",
                     help="The run's folder name. Default: date, time, model, dataset."),
        click.Option(["--expect"], metavar='"METRIC<=X"', multiple=True,
                     help="Fail (exit code 1) unless the finished run meets this; may be repeated."),
        click.Option(["--dry-run"], is_flag=True, help="Print the resolved settings and leave."),
        click.Option(["--quiet"], is_flag=True, help="Say nothing but notes and errors."),
        click.Option(["--json"], is_flag=True, help="Print one JSON object on stdout; everything else on stderr."),
        click.Option(["--ascii"], is_flag=True, help="Draw the workbench in plain ASCII characters."),
        click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
                     help="Print the version and leave."),
    ]  # fmt: skip


def _check_before_command(context: click.Context) -> None:
    """Raise `InputError` for flags of training given before a command, where they would do nothing."""
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        and parameter.name != "runs_dir"
    ]
    if given:
        raise InputError(
            f"{', '.join(given)} cannot stand before the command {context.invoked_subcommand!r}. "
            "Put the options of a command after its name."
        )


def _version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"genbench {__version__}")
        context.exit()


def _resumed(values: dict[str, Any], given: dict[str, str]) -> RunConfig:
    from workbench.runs.listing import find

    config = find(values["resume"], values["runs_dir"]).config()
    given = different(config, given)
    return config.with_changes(changes(given)) if given.keys() <= set(CHANGEABLE) else branched(config, given)


def _dry_run(config: RunConfig, values: dict[str, Any]) -> int:
    """Print every setting as it would be used."""
    import json

    from workbench.runs.folder import check_name

    if values["name"] is not None:
        check_name(values["runs_dir"], values["name"])
    sys.stdout.write(json.dumps(config.to_json(), indent=2) + "\n")
    return DONE
