"""What a number that a model reports means. Apart from the seam, so that it can be read without torch."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """What a number that a model reports means."""

    unit: str  # "nats per image", "probability"
    help: str  # one sentence
    better: Literal["lower", "higher"] | None = None  # None: neither end is better
    panel: str = ""  # metrics with the same panel title share a chart; "" is a chart of its own
