"""What bench-als measures, of PyPI's `implicit`, on the same cores: als.py TRAIN TEST [CONFIDENCE]. Prints a line of JSON."""

import json
import os
import sys
import time

# As implicit advises: its threads are its own.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares

GAINS = 1 / np.log2(np.arange(2, 22))


def lists(path):
    with open(path) as file:
        lines = [list(map(int, line.split())) for line in file]
    return {line[0]: sorted(set(line[1:])) for line in lines if line}


train, test = lists(sys.argv[1]), lists(sys.argv[2])
confidence = float(sys.argv[3]) if len(sys.argv) > 3 else 39
users = 1 + max(train)
items = 1 + max(max(line) for line in [*train.values(), *test.values()] if line)
pairs = [(user, item) for user, line in train.items() for item in line]
matrix = sparse.csr_matrix((np.ones(len(pairs), np.float32), tuple(zip(*pairs))), shape=(users, items))
model = AlternatingLeastSquares(factors=64, iterations=15, regularization=0.01, alpha=1 + confidence, random_state=1, num_threads=0, use_gpu=False)
begin = time.perf_counter()
model.fit(matrix, show_progress=False)
seconds = time.perf_counter() - begin

recalls, ndcgs = [], []
for user, relevant in test.items():
    if not relevant:
        continue
    scores = model.item_factors @ model.user_factors[user]
    scores[train.get(user, [])] = -np.inf
    top = np.argpartition(-scores, 20)[:20]
    hits = np.isin(top[np.argsort(-scores[top])], relevant)
    recalls.append(hits.sum() / len(relevant))
    ndcgs.append((hits * GAINS).sum() / GAINS[: len(relevant)].sum())
print(json.dumps({"seconds": seconds, "recall": np.mean(recalls), "ndcg": np.mean(ndcgs)}))
