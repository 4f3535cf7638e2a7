"""The Merkle tree alone, on one core and without PostgreSQL: appending, and proofs out of tiles."""
from measuring import HERE, Failed, progress, run, say, shown, table, take_turns

PROOFS = 1000
LEAVES_PER_ROW = 10


def program():
    progress("tree: building")
    root = HERE.parent
    run(["cmake", "-S", root, "-B", root / "build" / "default"])
    run(["cmake", "--build", root / "build" / "default", "--target", "tree_bench"])
    return root / "build" / "default" / "tree_bench"


def measure_tree(options):
    tree_bench = program()
    leaves = LEAVES_PER_ROW * options.rows

    def rate(what):
        seconds = float(run([tree_bench, what, leaves]))
        if seconds <= 0:
            raise Failed(f"tree_bench {what} took no time")
        return (PROOFS if what == "prove" else leaves) / seconds

    figures = take_turns(["append", "hash", "prove"], options.rounds, rate, "tree")
    say(f"Tree: {leaves:,} leaves, one core, without PostgreSQL")
    rows = [["", "a second"]]
    rows.append(["leaves appended, with all inner nodes", shown(figures["append"])])
    rows.append(["hashing 65 bytes alone", shown(figures["hash"])])
    rows.append(["inclusion proofs out of tiles, made and checked", shown(figures["prove"])])
    table(rows)
