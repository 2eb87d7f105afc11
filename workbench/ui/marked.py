"""The runs that are marked to be compared."""

MOST = 8  # as many as there are colours


class Marked:
    """Names of runs, in the order they were marked. Each has a number, which is its colour and its sign."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each run."""
        return dict(self._numbers)

    def add(self, name: str) -> bool:
        """Mark a run; False where as many are marked as can be told apart."""
        free = (number for number in range(MOST) if number not in self._numbers.values())
        number = next(free, None)
        if name in self._numbers or number is None:
            return name in self._numbers
        self._numbers[name] = number
        return True

    def remove(self, name: str) -> None:
        """Unmark a run; one that is not marked stays so."""
        self._numbers.pop(name, None)
