"""A circuit breaker as one would say it, for comparison with the real one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Admission:
    """What was let through: in which period, until when it may report, whether it has."""

    period: int
    until_ns: int
    reported: bool = False


class Reference:
    """Every admission remembers its period; outcomes of another period, or too late, or second ones, are ignored."""

    def __init__(self, threshold: int, timeout_ns: int, probes: int, successes: int, lease_ns: int) -> None:
        self.threshold, self.timeout_ns, self.probes = threshold, timeout_ns, probes
        self.wanted, self.lease_ns = successes, lease_ns
        self.state, self.period, self.failures, self.good, self.opened_ns = "closed", 0, 0, 0, 0
        self.admissions: list[Admission] = []
        self.first = 0  # of the present period

    def _go(self, state: str, now_ns: int = 0) -> None:
        self.state, self.period, self.failures, self.good = state, self.period + 1, 0, 0
        self.first, self.opened_ns = len(self.admissions), now_ns

    def admit(self, now_ns: int) -> int | None:
        if self.state == "open" and now_ns >= self.opened_ns + self.timeout_ns:
            self._go("half_open")
        probing = self.state == "half_open"
        this_period = self.admissions[self.first :] if probing else []
        under_way = sum(not one.reported and now_ns < one.until_ns for one in this_period)
        if self.state == "open" or under_way >= self.probes:
            return None
        self.admissions.append(Admission(self.period, now_ns + self.lease_ns if probing else 1 << 63))
        return len(self.admissions) - 1

    def released(self, number: int, now_ns: int) -> bool:
        one = self.admissions[number]
        if one.period != self.period or (self.state == "half_open" and (one.reported or now_ns >= one.until_ns)):
            return False
        one.reported = True
        return True

    def succeeded(self, number: int, now_ns: int) -> None:
        if self.released(number, now_ns):
            self.failures, self.good = 0, self.good + 1
            if self.state == "half_open" and self.good >= self.wanted:
                self._go("closed")

    def failed(self, number: int, now_ns: int) -> None:
        if self.released(number, now_ns):
            self.failures += 1
            if self.state == "half_open" or self.failures >= self.threshold:
                self._go("open", now_ns)
