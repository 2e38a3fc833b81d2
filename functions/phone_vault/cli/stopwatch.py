"""How long the parts of a command take, by the real clock."""

import time


class Stopwatch:
    """Runs from when it is made; `lap` names the part that has just ended."""

    def __init__(self) -> None:
        self._started = self._lap_started = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """What happened since the last one."""
        now = time.perf_counter()
        self._laps[name] = now - self._lap_started
        self._lap_started = now

    def seconds(self) -> dict[str, float]:
        """By part, in their order, and in total."""
        laps = {name: round(lap, 2) for name, lap in self._laps.items()}
        return {**laps, "total": round(time.perf_counter() - self._started, 2)}
