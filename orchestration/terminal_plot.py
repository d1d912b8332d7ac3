"""A small plot for a terminal: points of a curve as columns of block characters, one column a point."""

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_HEIGHT = 10
_WIDTH = 3


def plot(points: Sequence[tuple[float, float]], *, mark: float | None = None) -> list[str]:
    """Lines of text. Values are shares in [0, 1], drawn from 0 to the highest; `mark` is pointed at below the axis."""
    if not points:
        return ["(no document has this signal and passes all other rules: there is nothing to draw)"]
    top = max(*(share for _, share in points), 1e-9)
    eighths = [round(share / top * _HEIGHT * 8) for _, share in points]
    lines = []
    for row in reversed(range(_HEIGHT)):
        label = f"{100 * top * (row + 1) / _HEIGHT:5.1f} "
        cells = (_BLOCKS[max(0, min(8, height - row * 8))] * (_WIDTH - 1) + " " for height in eighths)
        lines.append(f"{label}┤{''.join(cells)}".rstrip())
    lines.append(f"{'0.0':>5} └{'─' * _WIDTH * len(points)}")
    first, last = f"{points[0][0]:g}", f"{points[-1][0]:g}"
    lines.append(f"{'':7}{first}{last:>{max(_WIDTH * len(points) - len(first), len(last) + 1)}}")
    places = [place for place, (threshold, _) in enumerate(points) if threshold == mark]
    if places:
        lines.append(f"{'':7}{'':{places[0] * _WIDTH}}^ published: {mark:g}")
    return lines
