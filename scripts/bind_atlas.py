"""Rule bind_atlas: the atlas' folder: the page, all that it can show, and the catalogue of that."""

from os.path import commonpath
from pathlib import Path

from codespectra.atlas.catalogue import CITATION, claim_rows, exponent_rows, parts_of, versions
from codespectra.atlas.page_files import INDEX, PAGE, copy_page, link
from codespectra.atlas.shards import write_shard
from codespectra.files.csv_tables import read_tables
from codespectra.jobs.start import start_job

log = start_job(snakemake.log[0])
cfg = snakemake.params.cfg
parts = Path(commonpath([*snakemake.input.parts, *snakemake.input.exports]))
index = Path(snakemake.output.atlas) / INDEX
folder = index.parent / "page"
exponents, claims = (snakemake.input.get(name, []) for name in ("exponents", "claims"))
folder.mkdir(parents=True, exist_ok=True)
found = parts_of(snakemake.input.parts, parts)
for name in [part["path"] for own in found.values() for part in own]:
    link(parts / name, index.parent / name)
for name in snakemake.input.exports:
    link(Path(name), index.parent / Path(name).relative_to(parts))
content = {
    "study": cfg["study"],
    "backbones": cfg["backbones"],
    **found,
    "exponents": exponent_rows(read_tables(exponents, "exponents")) if exponents else [],
    "claims": claim_rows(read_tables(claims, "claims_by_scope")) if claims else [],
    "versions": versions(),
    "citation": CITATION,
}
write_shard(folder / "catalogue.js", "catalogue", content)
copy_page(folder)
index.write_bytes((PAGE / INDEX).read_bytes())
log.info("%s: open %s", {kind: len(own) for kind, own in found.items()}, index)
