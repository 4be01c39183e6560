"""Pictures for pages: small SVG whose text can be selected, read aloud, and seen in light and in dark."""

from collections.abc import Iterable, Sequence
from html import escape

Point = tuple[float, float]

_LIGHT = {
    "paper": "fill:#ffffff",
    "ink": "fill:#1f2328",
    "faint": "fill:#59636e",
    "rule": "stroke:#d1d9e0;fill:none",
    "limit": "stroke:#1f2328;fill:none;stroke-dasharray:5 3",
    "good": "fill:#1a7f37",
    "calm": "fill:#0969da",
    "open": "fill:#6e7781",
    "bad": "fill:#cf222e",
    "good-line": "stroke:#1a7f37;fill:none",
    "calm-line": "stroke:#0969da;fill:none",
    "open-line": "stroke:#6e7781;fill:none",
    "bad-line": "stroke:#cf222e;fill:none",
    "label": "fill:#ffffff",
}
_DARK = {
    "paper": "fill:#0d1117",
    "ink": "fill:#f0f6fc",
    "faint": "fill:#9198a1",
    "rule": "stroke:#3d444d;fill:none",
    "limit": "stroke:#f0f6fc;fill:none",
    "good": "fill:#3fb950",
    "calm": "fill:#4493f8",
    "open": "fill:#9198a1",
    "bad": "fill:#f85149",
    "good-line": "stroke:#3fb950;fill:none",
    "calm-line": "stroke:#4493f8;fill:none",
    "open-line": "stroke:#9198a1;fill:none",
    "bad-line": "stroke:#f85149;fill:none",
    "label": "fill:#0d1117",
}
STYLES = frozenset(_LIGHT)
"""Names that shapes and texts may bear; each has a colour on light and one on dark paper."""
SIZE = 12
"""Of text, in pixels."""
_CHARACTER = 6.6
"""Pixels of a character in the middle; fonts differ by reader."""


def picture(width: int, height: int, *, title: str, description: str, parts: Iterable[str]) -> str:
    """The whole file.

    Args:
        width: In pixels, as it is drawn on; pages may scale it.
        height: In pixels.
        title: A short name, read aloud and shown as a hint.
        description: What is to be seen, for those who do not see it.
        parts: Shapes and texts, the lowest first. The paper below them has a colour of its own, for a page may be light
            where its reader's system is dark.
    """
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(description)}</desc>',
        f"<style>text{{font:{SIZE}px system-ui,sans-serif}}.strong{{font-weight:600}}",
        _rules(_LIGHT),
        f"@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}</style>",
        box(0, 0, width, height, "paper"),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def text(x: float, y: float, words: str, style: str = "ink", *, anchor: str = "start", strong: bool = False) -> str:
    """A line of text; `anchor` is start, middle or end."""
    weight = " strong" if strong else ""
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_px(x)}" y="{_px(y)}" class="{style}{weight}"{place}>{escape(words, quote=False)}</text>'


def width_of(words: str) -> float:
    """About how many pixels a text takes."""
    return _CHARACTER * len(words)


def box(x: float, y: float, width: float, height: float, style: str, *, opacity: float = 1.0) -> str:
    """A rectangle."""
    size = f'width="{_px(width)}" height="{_px(height)}"'
    return f'<rect x="{_px(x)}" y="{_px(y)}" {size} class="{style}"{_seen_through(opacity)}/>'


def line(points: Sequence[Point], style: str, *, width: float = 1.0) -> str:
    """A line through points; its style is one that ends in -line, or rule, or limit."""
    return f'<path d="{_way(points)}" class="{style}" stroke-width="{width:g}"/>'


def area(points: Sequence[Point], style: str, *, opacity: float = 1.0) -> str:
    """What a line through points and back to the first encloses."""
    return f'<path d="{_way(points)}Z" class="{style}"{_seen_through(opacity)}/>'


def dot(x: float, y: float, style: str) -> str:
    """A mark at a point."""
    return f'<circle cx="{_px(x)}" cy="{_px(y)}" r="4" class="{style}"/>'


def _way(points: Sequence[Point]) -> str:
    return "M" + "L".join(f"{_px(x)} {_px(y)}" for x, y in points)


def _seen_through(opacity: float) -> str:
    return "" if opacity == 1.0 else f' opacity="{opacity:g}"'


def _rules(styles: dict[str, str]) -> str:
    return "".join(f".{name}{{{rule}}}" for name, rule in styles.items())


def _px(value: float) -> str:
    """Tenths of a pixel are seen by nobody."""
    rounded = round(value, 1)
    return f"{rounded:g}" if rounded else "0"
