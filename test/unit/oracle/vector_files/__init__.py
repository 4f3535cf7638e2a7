"""The vectors in test/unit/testdata: compared with what an oracle computes, or written anew."""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent.parent.parent / "testdata"


def compare_or_write(usage, documents):
    """documents: the name of a file and what computes what stands in it. Writes them where the program was
    called with --write; else ends it with an error where one is not what it should be."""
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(usage)
    differ = []
    for name, compute in documents.items():
        path = FOLDER / name
        text = json.dumps(compute(), indent=1, ensure_ascii=False) + "\n"
        if sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            differ.append(name)
    if differ:
        sys.exit("not what the specifications give: " + ", ".join(differ))
