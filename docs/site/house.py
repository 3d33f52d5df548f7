"""The house, drawn from its imports: rooms as floors, and who imports from whom how often."""

from collections import Counter
from html import escape

from grimp import build_graph
from modules import rooms

FLOOR, WIDTH = 34, 150  # pixels of a room


def page() -> str:
    """The drawing."""
    return drawing(rooms(), imports())


def imports() -> Counter[tuple[str, str]]:
    """How many imports of modules of one room by modules of another there are."""
    graph = build_graph("codespectra", cache_dir=None)
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            between = _room(module), _room(imported)
            if between[0] != between[1]:
                found[between] += 1
    return found


def _room(module: str) -> str:
    return (module + ".").split(".")[1]


def drawing(floors: list[str], arcs: Counter[tuple[str, str]]) -> str:
    """An SVG of floors, the first on top, with arcs at their right."""
    height = FLOOR * len(floors)
    lines = [
        f'<div><svg viewBox="0 0 {WIDTH + height // 2 + 20} {height}" role="img" '
        'aria-label="rooms of the library and their imports" fill="none" stroke="currentColor">'
    ]
    for (upper, lower), count in sorted(arcs.items()):
        if upper in floors and lower in floors:
            top, bottom = (FLOOR * floors.index(room) + FLOOR / 2 for room in (upper, lower))
            lines.append(
                f'<path d="M{WIDTH} {top} A{(bottom - top) / 2} {(bottom - top) / 2} 0 0 1 '
                f'{WIDTH} {bottom}" stroke-width="{count**0.5:.1f}" stroke-opacity=".3">'
                f"<title>{escape(upper)} imports from {escape(lower)}: {count}</title></path>"
            )
    for number, room in enumerate(floors):
        y = FLOOR * number
        lines.append(
            f'<rect x="1" y="{y + 3}" width="{WIDTH - 2}" height="{FLOOR - 6}" rx="4"/>'
            f'<text x="12" y="{y + FLOOR / 2 + 5}" font-size="14" fill="currentColor" '
            f'stroke="none">{escape(room)}</text>'
        )
    return "\n".join([*lines, "</svg></div>"])
