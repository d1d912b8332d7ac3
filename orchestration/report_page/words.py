"""Numbers as a report writes them."""


def count(number: float | None) -> str:
    """With separators between thousands; a dash where there is none."""
    return "–" if number is None else f"{number:,.0f}"


def short(number: float) -> str:
    """Three digits and a letter: 1.23M."""
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= limit:
            return f"{number / limit:.3g}{letter}" if abs(number) < limit * 1000 else f"{number / limit:.0f}{letter}"
    return f"{number:.3g}"


def share(part: float, whole: float) -> float:
    """The part as a share of the whole, 0 of nothing."""
    return part / whole if whole else 0.0


def percent(value: float) -> str:
    """A share in percent, with as many digits as it needs; what is there never reads as 0."""
    if value and abs(value) < 0.0005:
        return "<0.1%"
    return f"{100 * value:.1f}%"
