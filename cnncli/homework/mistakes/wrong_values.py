"""The values that mistakes give to one question."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from cnncli.homework.mistakes.texts import order_of

Values = Mapping[str, Any]  # the value that each mistake, or pair of mistakes, gives; None where it cannot be made


class WrongValues(Mapping[str, Any]):
    """The wrong value that each mistake gives, the most likely mistakes first.

    They are calculated when they are first asked for, because a correct answer needs none.
    """

    def __init__(self, calculate: Callable[[], Values], correct: Collection[Any] = ()) -> None:
        """``calculate`` gives the values; those that are None or among the ``correct`` ones are left out."""
        self._calculate, self._correct = calculate, correct
        self._values: dict[str, Any] | None = None

    def _found(self) -> dict[str, Any]:
        if self._values is None:
            values = self._calculate()
            wrong = {name: value for name, value in values.items() if value is not None and value not in self._correct}
            self._values = {name: wrong[name] for name in sorted(wrong, key=order_of)}
        return self._values

    def __getitem__(self, name: str) -> Any:
        return self._found()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())


NONE = WrongValues(dict)
