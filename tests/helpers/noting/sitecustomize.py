"""First thing in every Python of a run: a rule's script notes which files it opens."""

import os
import re
import sys

noted = os.environ.get("NOTE_OPENED_IN")
script = re.search(r"/\.snakemake/scripts/\w+\.(\w+)\.py$", sys.orig_argv[-1])
if noted and script:
    handle = os.open(noted, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event, arguments):
        if event == "open" and not isinstance(arguments[0], int):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            os.write(handle, f"{script[1]}\t{path}\n".encode(errors="surrogateescape"))

    sys.addaudithook(note)
