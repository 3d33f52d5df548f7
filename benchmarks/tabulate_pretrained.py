"""Tables of docs/pretrained.md, from finished runs of `make pretrained` and of the default.

Run as `python benchmarks/tabulate_pretrained.py docs/pretrained.md results [default's results]`;
`results` holds `prose/results` too, as `make pretrained` leaves it. Of the default the main job and
the language study.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from page_tables import write_tables

STUDY, PROSE = "pretrained", "pretrained-prose"
BLOCKS = (1, 8, 15, 22, 29, 30)
SCORED = (1, 8, 12, 15, 22, 29, 30)


def number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def interval(row: pd.Series) -> str:
    return f"[{number(row.low)}, {number(row.high)}]"


def depth(results: Path) -> Iterator[list[str]]:
    """Rows: a network's mean exponent over depth, and its largest."""
    table = pd.read_csv(results / f"figures/{STUDY}/size.csv")
    for model, rows in table.groupby("model"):
        found = {row.statistic: f"{number(row.alpha)} {interval(row)}" for row in rows.itertuples()}
        parameters = f"{rows['parameters'].iloc[0] / 1e6:.2f} million"
        yield [str(model), parameters, found["mean over depth"], found["largest"]]


def text(results: Path) -> Iterator[list[str]]:
    """Rows: exponents of blocks by part, trained, untrained, and trained on prose."""
    code = pd.read_csv(results / f"figures/{STUDY}/text_exponents.csv")
    prose = pd.read_csv(results / f"prose/results/figures/{PROSE}/text_exponents.csv")
    columns = [
        rows.set_index("depth")
        for table in (code, prose)
        for _, rows in table.groupby(["model", "part"])
        if table is code or rows["weights"].iloc[0] != "random"
    ]
    for block in BLOCKS:
        found = [rows.loc[block] for rows in columns]
        reach = [number((one.alpha_high - one.alpha_low) / 2) for one in found]
        pairs = zip(found, reach, strict=True)
        yield [str(block), *(f"{number(one.alpha)} ± {end}" for one, end in pairs)]


def scores(results: Path) -> Iterator[list[str]]:
    """Rows: mean lookup scores of a block's units by kind, trained."""
    table = pd.read_csv(results / f"figures/{STUDY}/explanations.csv")
    kinds = table[table["weights"] != "random"].set_index(["depth", "kind"])
    for block in SCORED:
        shown = [kinds.loc[(block, kind)] for kind in ("neuron", "projection", "low_action")]
        yield [str(block), *(f"{number(one['mean'])} {interval(one)}" for one in shown)]


def verdicts(results: Path, toy: Path) -> Iterator[list[str]]:
    """Rows: a claim's verdict on the toy and on networks that others trained."""
    tables = [pd.read_csv(toy / f"{name}.csv") for name in ("claims", "claims-language")]
    here = pd.concat(one[one["verdict"] != "not run"] for one in tables).set_index("id")
    there = pd.read_csv(results / "claims-pretrained.csv").set_index("id")
    for name, row in there[there["verdict"] != "not run"].iterrows():
        yield [str(name), row["claim"], said(here.loc[name]), said(row)]


def said(row: pd.Series) -> str:
    close = ", close call" if row["close_call"] == "yes" else ""
    return f"{row['verdict']}{close}: {number(row['estimate'])} {interval(row)}"


def main() -> None:
    page, results, *toy = sys.argv[1:]
    found = Path(results)
    networks = ["network", "parameters", "mean exponent over depth", "largest"]
    parts = ["MLP", "residual"]
    models = [
        *(f"{part}" for part in parts),
        *(f"{part}, untrained" for part in parts),
        *(f"{part}, prose" for part in parts),
    ]
    write_tables(
        page,
        {
            "depth": (networks, depth(found)),
            "text": (["block", *models], text(found)),
            "scores": (["block", "neurons", "projections", "of low action"], scores(found)),
            "verdicts": (
                ["claim", "says", "toy", "pretrained"],
                verdicts(found, Path(toy[0] if toy else results)),
            ),
        },
        [],
    )


if __name__ == "__main__":
    main()
