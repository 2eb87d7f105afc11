"""The states of a run as signs and words, the same wherever they stand."""

from workbench.runs.state import Status

SIGNS: dict[Status, tuple[str, str]] = {  # and, without Unicode, another one
    "running": ("●", "*"), "paused": ("‖", "="), "done": ("✓", "+"), "stopped": ("■", "#"),
    "interrupted": ("◌", "!"), "diverged": ("∞", "~"), "failed": ("✗", "x"),
}  # fmt: skip
WORDS: dict[Status, str] = {
    "running": "training", "paused": "paused", "done": "done", "stopped": "stopped", "interrupted": "interrupted",
    "diverged": "diverged", "failed": "failed",
}  # fmt: skip
BAD: frozenset[Status] = frozenset({"interrupted", "diverged", "failed"})
LIVE: frozenset[Status] = frozenset({"running", "paused"})
