"""Reading x from networks that compute g^x mod p (paper A's supplement, 2.2)."""

from matplotlib import pyplot as plt
from matplotlib.ticker import NullLocator

from codespectra.figures import style
from codespectra.statistics.intervals import mean_interval

LINES = {"linear": "-", "nonlinear": "--"}


def draw_hardness(inputs: style.Inputs, cfg: style.Config) -> style.Drawn:
    """Bits of x that read-outs get right, against p: a colour a code, a line a read-out.

    Args:
        inputs: hardness (a row a prime, seed, code and read-out).
        cfg: study.
    """
    table = inputs["hardness"]
    figure, panel = plt.subplots(figsize=(style.COLUMN, 3.0))
    colours = dict(zip(table["code"].unique(), style.COLOURS, strict=False))
    for (code, read_out), found in table.groupby(["code", "read_out"], sort=False):
        primes = found.groupby("p")["accuracy"]
        middle, low, high = zip(*(mean_interval(one) for _, one in primes), strict=True)
        look = {"color": colours[code], "linestyle": LINES[read_out], "marker": "o"}
        panel.plot([*primes.groups], middle, label=f"{code}, {read_out}", **look)
        panel.fill_between(
            [*primes.groups], low, high, color=colours[code], alpha=0.15, linewidth=0
        )
    chance = table.groupby("p")["chance"].first()
    panel.plot(chance.index, chance, ":", color="black", label="chance")
    panel.set(
        xscale="log", xlabel="prime p", ylabel="share of bits of x that are right", ylim=(0.4, 1.02)
    )
    panel.set_xticks(chance.index, chance.index)
    panel.xaxis.set_minor_locator(NullLocator())
    panel.legend(frameon=False, fontsize=6)
    style.despine(figure)
    style.credit(
        figure,
        f"{cfg['study']} · g^x mod p for all x, learned whole for at least "
        f"{table['learned'].min():.0%} of them · read-outs see half of all x, tried on the "
        f"{style.span(table['tested'])} others · n = {table['seed'].nunique()} seeds, mean and "
        "Student's 95 % interval · chance: each bit's more frequent value",
    )
    return figure, table
