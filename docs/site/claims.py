"""The page of the claims, from their catalogue."""

import sys

from codespectra.claims.catalogue import CLAIMS
from codespectra.claims.needs import NEEDS
from codespectra.claims.verdicts import Claim

HEAD = """| claim | sentence | statistic | holds if | each | not counted | measured by |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """A row a claim."""
    return HEAD + "".join(map(_row, CLAIMS))


def _row(claim: Claim) -> str:
    target = next(name for name, needs in NEEDS.items() if claim.needs in needs)
    tables = ", ".join(f"`{table}`" for table in NEEDS[target][claim.needs])
    aside = ", ".join(value for values in claim.aside.values() for value in values)
    cells = [
        f'<span id="{claim.id}">{claim.id}</span> ({claim.figure})',
        claim.sentence,
        statistic(claim),
        claim.judge.__doc__.split("`")[1].removeprefix("the statistic is "),
        ", ".join(claim.each),
        aside,
        f"`snakemake {target}`: {tables}",
    ]
    return "| " + " | ".join(cells) + " |\n"


def statistic(claim: Claim) -> str:
    """What is measured, in the words of its function, or of the one that makes it."""
    measure = claim.measure
    maker = getattr(sys.modules[measure.__module__], measure.__qualname__.split(".")[0])
    words = (measure.__doc__ or maker.__doc__).strip()
    first = " ".join(words.removeprefix("Measure: ").split("\n\n")[0].split())
    return first[0].upper() + first[1:].rstrip(".")
