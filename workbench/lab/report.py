"""The lab's report: Markdown beside its pictures, and one HTML file that needs nothing else."""

import base64
import html
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from models.errors import InputError
from workbench import comparison
from workbench.comparison import Comparison, cell_text
from workbench.lab import prose
from workbench.lab.experiments import CUT, GREY, SEEN, WORDS
from workbench.lab.figures import Figure, draw
from workbench.lab.running import Lab
from workbench.runs import evaluations, files
from workbench.runs.evaluations import Evaluation
from workbench.units import dataset_title, duration, number

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { border-top: 4px solid #3b6ea5; padding-top: .8rem; } h2 { margin-top: 2.4rem; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .92em; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #8886; text-align: left; }
td[style], th[style] { font-variant-numeric: tabular-nums; white-space: nowrap; }
img { max-width: 100%; height: auto; border: 1px solid #8884; background: white; }
code { font-size: .92em; }
"""


def write(lab: Lab) -> list[Path]:
    """Figures, the comparison in three forms, report.md and report.html. Raises `InputError` for a full disk."""
    try:
        drawn = list(draw(lab.path))
        table = comparison.compare([lab.folder(one) for one in lab.experiments])
        text = _report(lab, table, drawn)
        parts = {
            "comparison.md": comparison.markdown(table, lab.path),
            "comparison.csv": comparison.csv_text(table),
            "comparison.json": comparison.to_json(table),
            "report.md": text,
            "report.html": page(text, lab.path),
        }
        for name, content in parts.items():
            files.write(lab.path / name, content.encode())
    except OSError as error:
        raise InputError(
            f"The report cannot be written: {error}. Free some space, then --resume the lab."
        ) from None
    return [lab.path / "report.html", lab.path / "report.md"]


def page(text: str, base: Path) -> str:
    """Markdown as one HTML page, its pictures inside it."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)

    def inside(found: re.Match[str]) -> str:
        data = (base / html.unescape(found[1])).read_bytes()
        return f'src="data:image/png;base64,{base64.b64encode(data).decode()}"'

    body = re.sub(r'src="([^"]+)"', inside, body)
    body = re.sub(r'<a href="[^"]*">(.*?)</a>', r"\1", body)  # to folders that are not in this file
    title = text.splitlines()[0].lstrip("# ")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>\n{body}</body></html>\n"
    )


def _report(lab: Lab, table: Comparison, drawn: Sequence[Figure]) -> str:
    parts = [
        "# Autoencoder, VAE and GAN: the lab, measured",
        *_circumstances(lab),
        "## Beside the lab's own figures", _beside(lab),
        "## AE against VAE: words and numbers", _words(lab, table),
    ]  # fmt: skip
    titles = {one.name: one.title for one in lab.experiments}
    for name, paragraph in _paragraphs(lab):
        parts += [f"## {titles[name]}", paragraph]
        parts += [
            f"![{one.title}](figures/{one.file})\n\n*Figure {one.number}. {one.title}.*"
            for one in drawn
            if one.experiment == name
        ]
    # The GAN's images are others: beside it nothing could be compared.
    pair, alone = lab.experiments[:2], lab.experiments[2:]
    tables = [comparison.compare([lab.folder(one) for one in group]) for group in (pair, alone)]
    parts += ["## Everything that was measured: AE and VAE", comparison.markdown(tables[0], lab.path)]
    return "\n\n".join([*parts, "## Everything that was measured: GAN", comparison.markdown(tables[1], lab.path)])


def _circumstances(lab: Lab) -> Iterator[str]:
    settings = lab.settings
    sets = f"{dataset_title(settings.dataset)} and {dataset_title(settings.colour)}"
    yield (
        f"{datetime.now().astimezone():%Y-%m-%d}, images: {sets}, seed {settings.seed}. Settings are the lab's: AE "
        "and VAE with 32 latent dimensions, Adam at 1e-3, batches of 128, 20 epochs; the GAN with 100, Adam at "
        "2e-4, batches of 64, 50 epochs."
    )
    if settings.quick:
        yield f"**This is the quick lab**: {CUT}. Its numbers are not those of the whole one."
    elif dataset_title(settings.dataset) != GREY:
        yield f"The lab's own figures are of {GREY}: those of other images are not to be held against them."
    for one in lab.experiments:
        status = lab.status(one)
        if status == "done":
            yield f"{one.title}: {_cost(lab, one.name)}."
        else:
            with suppress(InputError):
                yield f"**{one.title}: {status or 'not begun'}.** {lab.folder(one).stored_state().reason}"


def _cost(lab: Lab, name: str) -> str:
    folder = lab.folder(next(one for one in lab.experiments if one.name == name))
    state, evaluation = folder.stored_state(), _evaluation(lab, name)
    said = f"{state.step:,} steps in {duration(state.seconds)}, {state.images_per_second:,.0f} images/s"
    return said + (f"; measured in {duration(evaluation.seconds)}" if evaluation else "")


def _evaluation(lab: Lab, name: str) -> Evaluation | None:
    with suppress(InputError):
        return evaluations.load(lab.folder(next(one for one in lab.experiments if one.name == name)))
    return None


def _beside(lab: Lab) -> str:
    lines = ["| | the lab | here | unit |", "| --- | ---: | ---: | --- |"]
    for seen in SEEN:
        value = None
        with suppress(InputError):
            folder = lab.folder(next(one for one in lab.experiments if one.name == seen.experiment))
            value = folder.stored_state().metrics.get(seen.metric)
        lines.append(f"| {seen.what} | {seen.lab} | {number(value)} | {seen.unit} |")
    return "\n".join(lines)


def _words(lab: Lab, table: Comparison) -> str:
    """The sheet's adjectives, each with the measures that stand for them."""
    lines = ["| | AE, the lab's word | AE | VAE, the lab's word | VAE |", "| --- | --- | --- | --- | --- |"]
    for what, of_ae, of_vae, keys in WORDS:
        known = [row for key in keys for row in table.rows if row.key == key]
        cells = [
            "; ".join(f"{row.heading} {cell_text(row.cells[at])}" for row in known if row.cells[at]) or "–"
            for at in (0, 1)
        ]
        lines.append(f"| {what} | {of_ae} | {cells[0]} | {of_vae} | {cells[1]} |")
    return "\n".join(lines)


def _paragraphs(lab: Lab) -> Iterator[tuple[str, str]]:
    """(experiment, its paragraph) of each that was measured."""
    ae, vae, gan = (_evaluation(lab, name) for name in ("ae", "vae", "gan"))
    if ae is not None:
        yield "ae", prose.autoencoder(ae, vae)
    if vae is not None:
        yield "vae", prose.variational(vae, ae)
    if gan is not None:
        state = lab.folder(lab.experiments[2]).stored_state()
        yield "gan", prose.adversarial(gan, state.metrics)
