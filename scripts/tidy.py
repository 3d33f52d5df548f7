"""Rule tidy: tell, and once confirmed delete, activations that no analysis of the study wants."""

import shutil
from pathlib import Path

from codespectra.files.full_disk import in_bytes
from codespectra.jobs.start import start_job


def size(path: Path) -> int:
    """Bytes of a file, or of all in a folder; a second name takes none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.suffix != ".kept")


log = start_job(snakemake.log[0])
unwanted = [path for path in map(Path, snakemake.params.unwanted) if path.exists()]
sizes = {path: size(path) for path in unwanted}
for path, count in sizes.items():
    log.info("%8s  %s", in_bytes(count), path)
if not unwanted:
    log.info("nothing to tidy: analyses of this study want all activations of its runs")
elif not snakemake.params.confirmed:
    log.info(
        "%s that this study wants no more; another study of this folder may. To delete them: "
        "snakemake tidy --config confirm=yes",
        in_bytes(sum(sizes.values())),
    )
else:
    for path in unwanted:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    log.info("deleted: %s", in_bytes(sum(sizes.values())))
