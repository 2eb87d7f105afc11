"""The table of what the compared runs were found to be worth: from `evaluation.json`, by groups of measures."""

from collections.abc import Sequence

from workbench.runs import evaluations
from workbench.runs.evaluations import Measured
from workbench.ui.compare.members import Member
from workbench.ui.compare.numbers import Table, TableRow
from workbench.ui.states import LIVE

NOT_YET = "Not evaluated yet: m measures these runs."
_ARROWS = {"lower": "↓", "higher": "↑", None: ""}
_OTHER = "≠"  # in the place of the arrow: measured in different ways
_ELSEWHERE = "held-out"  # numbers that the table of metrics has


def evaluation_table(members: Sequence[Member]) -> Table:
    """A row for each measure that a run has; the best where protocols are the same and intervals allow it."""
    of_each = [member.reader.evaluation for member in members]
    found = [cells for cells in evaluations.aligned(of_each) if any(one and one.value is not None for one in cells)]
    rows = [row for row in map(_row, found) if row.group != _ELSEWHERE]
    if not rows:
        return Table(feet=tuple(filter(None, (member.reader.evaluation_problem for member in members))))
    return Table(tuple(rows), _note(members, rows), tuple(map(_foot, members)))


def caption(members: Sequence[Member]) -> tuple[str, ...]:
    """Which weights were measured and what images were drawn from, in words."""
    known = [it.reader.evaluation for it in members if it.reader.evaluation is not None]
    weights = {it.weights for it in known}
    samplers = {it.sampler for it in known}
    return (
        *(weights if len(weights) == 1 else {"weights differ"} if weights else set()),
        *(samplers if len(samplers) == 1 else {"samplers differ"} if samplers else set()),
    )


def _row(measured: Sequence[Measured | None]) -> TableRow:
    known = [one for one in measured if one is not None and one.value is not None]
    first = known[0]
    best = evaluations.best(measured)
    return TableRow(
        f"{first.title}, {first.condition}" if first.condition else first.title,
        tuple(map(evaluations.value_text, measured)),
        first.unit,
        frozenset() if best is None else frozenset({best}),
        group=first.group,
        sign=_ARROWS[first.better] if evaluations.comparable(known) else _OTHER,
        spreads=tuple(f"±{text}" if (text := evaluations.spread_text(one)) else "" for one in measured),
    )


def _note(members: Sequence[Member], rows: Sequence[TableRow]) -> str:
    """What keeps numbers from being compared, in a few words."""
    lacking = [member.label for member in members if member.reader.evaluation is None]
    words = [f"not evaluated: {', '.join(lacking)}"] if lacking else []
    if any(row.sign == _OTHER for row in rows):
        words.append(f"{_OTHER} other protocol")
    old = [member.label for member in members if _is_old(member)]
    words += [f"trained on since: {', '.join(old)}"] if old else []
    return ", ".join(words)


def _is_old(member: Member) -> bool:
    """Whether a run went on after it was evaluated."""
    evaluation, state = member.reader.evaluation, member.reader.state
    return evaluation is not None and state is not None and state.step > evaluation.step


def to_be_measured(member: Member) -> bool:
    """Whether a run was never measured in full, or not since it was trained on, and nobody trains it now."""
    evaluation, state = member.reader.evaluation, member.reader.state
    whole = evaluation is not None and evaluation.effort == "full" and not evaluation.notes
    return state is not None and state.status not in LIVE and not (whole and not _is_old(member))


def _foot(member: Member) -> str:
    """How the numbers of one run came about, in a line."""
    evaluation = member.reader.evaluation
    if evaluation is None:
        why = member.reader.evaluation_problem or "not evaluated yet: m measures it"
        return f"{member.label}: {why}"
    words = [evaluation.weights, f"step {evaluation.step:,}", evaluation.sampler, *evaluation.notes]
    return f"{member.label}: {' · '.join(word for word in words if word)}"
