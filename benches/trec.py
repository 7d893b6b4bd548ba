"""Means of trec_eval's measures over all queries of a qrels file, as JSON.

Usage: trec.py RUN QRELS
"""
import json
import sys

import pytrec_eval

MEASURES = {"ndcg_cut.10,20", "map_cut.10,20", "recall.10,20", "P.10,20", "recip_rank", "success.10,20"}
# What `pocketrank evaluate` calls them; lists have twenty places.
NAMES = {
    "precision@10": "P_10",
    "precision@20": "P_20",
    "recall@10": "recall_10",
    "recall@20": "recall_20",
    "hit_rate@10": "success_10",
    "hit_rate@20": "success_20",
    "map@10": "map_cut_10",
    "map@20": "map_cut_20",
    "mrr@20": "recip_rank",
    "ndcg@10": "ndcg_cut_10",
    "ndcg@20": "ndcg_cut_20",
}


def means(run, qrels):
    """Queries without a list count as nothing found, as `trec_eval -c` has it."""
    values = pytrec_eval.RelevanceEvaluator(qrels, MEASURES).evaluate(run)
    return {ours: sum(query[theirs] for query in values.values()) / len(qrels) for ours, theirs in NAMES.items()}


def read_qrels(path):
    with open(path, encoding="utf-8") as lines:
        return pytrec_eval.parse_qrel(lines)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as lines:
        run = pytrec_eval.parse_run(lines)
    print(json.dumps(means(run, read_qrels(sys.argv[2]))))
