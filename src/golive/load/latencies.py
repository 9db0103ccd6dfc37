"""A histogram of times: every sample counts, and histograms add up exactly (HdrHistogram)."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from hdrh.histogram import HdrHistogram

_MOST_US = 120_000_000
_DIGITS = 3  # significant: a value is right to 0.1 %


class Latencies:
    """Times in microseconds, from 1 up to two minutes."""

    def __init__(self, samples: Iterable[int] = ()) -> None:
        self._histogram = HdrHistogram(1, _MOST_US, _DIGITS)
        for each in samples:
            self.record(each)

    def record(self, microseconds: int) -> None:
        """Count one sample."""
        self._histogram.record_value(min(max(1, microseconds), _MOST_US))

    def add(self, other: "Latencies") -> None:
        """Count all samples of another."""
        self._histogram.add(other._histogram)

    @property
    def count(self) -> int:
        """How many samples."""
        return int(self._histogram.get_total_count())

    def percentile_ms(self, percent: float) -> float | None:
        """The time in milliseconds that `percent` of the samples do not exceed; None of none."""
        return self.percentiles_ms([percent])[0]

    def percentiles_ms(self, percents: Sequence[float]) -> list[float | None]:
        """The same for several, which must ascend."""
        if not self.count:
            return [None] * len(percents)
        found: list[float | None] = []
        upto = 0
        for value, count in self.counts():
            upto += count
            while len(found) < len(percents) and upto >= self._rank(percents[len(found)]):
                found.append(value / 1000)
        return found

    def _rank(self, percent: float) -> int:
        return max(1, ceil(round(percent / 100 * self.count, 6)))

    def most_ms(self) -> float | None:
        """The longest, in milliseconds; None of none."""
        return float(self._histogram.get_max_value()) / 1000 if self.count else None

    def counts(self) -> Iterator[tuple[int, int]]:
        """Each time that occurs (microseconds, to 0.1 %) with how often it does, ascending."""
        histogram = self._histogram
        # The library's iterators visit each of 18,432 places in Python.
        for index, count in enumerate(histogram.counts[:]):
            if count:
                value = histogram.get_value_from_index(index)
                yield int(histogram.get_highest_equivalent_value(value)), int(count)

    def encode(self) -> str:
        """As text that other programs read too: HdrHistogram V2, base64."""
        text: bytes = self._histogram.encode()
        return text.decode()

    @classmethod
    def decode(cls, text: str) -> "Latencies":
        """What `encode` gave. Raises ValueError for what is none."""
        made = cls()
        try:
            made._histogram.decode_and_add(text.encode())
        except Exception as error:  # the library has a kind for each layer of the format
            raise ValueError(f"not a histogram: {error}") from error
        return made
