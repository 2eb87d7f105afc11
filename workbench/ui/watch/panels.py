"""The charts of a run: one for each metric, or one for metrics that belong together."""

from collections.abc import Mapping

from models.metric import Metric
from workbench.runs.history import Split
from workbench.runs.trace import Trace
from workbench.terminal.chart import Line
from workbench.ui.charts import Panel

Traces = Mapping[tuple[str, Split], Trace]


def panels_of(metrics: Mapping[str, Metric], traces: Traces) -> list[Panel]:
    """Charts of the traces there are, in the order of the model's metrics; what it does not name comes last."""
    titles: dict[str, list[str]] = {}
    for name in dict.fromkeys([*metrics, *(name for name, _ in traces)]):
        titles.setdefault(metrics[name].panel or name if name in metrics else name, []).append(name)
    found = []
    for title, names in titles.items():
        lines = _alone(names[0], traces) if len(names) == 1 else _together(names, traces)
        if lines:
            unit = metrics[names[0]].unit if names[0] in metrics else ""
            found.append(Panel(title, unit, tuple(lines)))
    return found


def _alone(name: str, traces: Traces) -> list[Line]:
    """One metric as training saw it and on held-out images."""
    lines = []
    if (name, "train") in traces:
        lines.append(Line("training", traces[name, "train"], "training", 0))
    if (name, "test") in traces:
        lines.append(Line("held-out", traces[name, "test"], "held-out", 1))
    return lines


def _together(names: list[str], traces: Traces) -> list[Line]:
    """Several metrics, told apart by name and shown as training saw them."""
    return [
        Line(name, traces[name, "train"], "training", index)
        for index, name in enumerate(names)
        if (name, "train") in traces
    ]
