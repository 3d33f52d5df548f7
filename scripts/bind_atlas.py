"""Rule bind_atlas: the page, and the catalogue of what it can show."""

from pathlib import Path

from codespectra.atlas.catalogue import CITATION, claim_rows, exponent_rows, parts_of, versions
from codespectra.atlas.page_files import INDEX, PAGE, copy_page
from codespectra.atlas.shards import write_shard
from codespectra.files.csv_tables import read_tables
from codespectra.files.notes import write_note
from codespectra.files.whole_files import atomic
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
index, folder = Path(snakemake.output.index), Path(snakemake.output.page)
exponents, claims = (snakemake.input.get(name, []) for name in ("exponents", "claims"))
folder.mkdir(parents=True, exist_ok=True)
parts = parts_of(snakemake.input.parts, index.parent)
content = {
    "study": cfg["study"],
    "backbones": cfg["backbones"],
    **parts,
    "exponents": exponent_rows(read_tables(exponents, "exponents")) if exponents else [],
    "claims": claim_rows(read_tables(claims, "claims_by_scope")) if claims else [],
    "versions": versions(),
    "citation": CITATION,
}
write_shard(folder / "catalogue.js", "catalogue", content)
copy_page(folder)
with atomic(index) as temporary:
    temporary.write_bytes((PAGE / INDEX).read_bytes())
    write_note(index, temporary)
log.info("%s: open %s", {kind: len(found) for kind, found in parts.items()}, index)
