"""Rule decode_exponentials: networks that compute g^x mod p, and read-outs that look for x."""

import pandas as pd

from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.theory.hardness import decode
from codespectra.theory.prime_groups import least_primitive_root

log = start_job(snakemake.log[0])
settings = dict(snakemake.params.cfg)
rows = []
for group in progress(settings.pop("groups"), desc="primes"):
    p, g = group["p"], group["g"] or least_primitive_root(group["p"])
    found = decode(p, g, **settings)
    log.info(
        "p = %d, g = %d: at least %.0f %% of x learned",
        p,
        g,
        100 * min(row["learned"] for row in found),
    )
    rows += found
write_csv(snakemake.output.table, pd.DataFrame(rows))
