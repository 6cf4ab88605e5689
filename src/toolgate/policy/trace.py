"""What a decision notes on its way when asked to, for `explain`. The call path does not ask."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `pointer` was looked at and came out as `applies`, `passes`, `counts`, `holds` or `denies`."""

    pointer: str
    outcome: str
    text: str


class Steps:
    """Keeps every step, in order."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def note(self, pointer: str, outcome: str, text: str) -> None:
        """Keep one."""
        self.steps.append(Step(pointer, outcome, text))
