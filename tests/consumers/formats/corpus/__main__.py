"""Write the corpus into a folder: ``python -m tests.consumers.formats.corpus FOLDER``."""

import sys
from pathlib import Path

from tests.consumers.formats.corpus import write_corpus

if __name__ == "__main__":
    sys.stdout.write(f"{write_corpus(Path(sys.argv[1]))} files\n")
