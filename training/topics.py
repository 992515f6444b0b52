"""Which pairs speak of the same matter: k-means over the texts' vectors by the model of the stage
before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer
from sklearn.cluster import KMeans

from training.data import Pair

PAIRS_A_TOPIC = 90  # a topic's pairs, three questions a passage, fill a batch or two


def topics(model: SentenceTransformer, pairs: Sequence[Pair], seed: int) -> list[int]:
    """The topic of each pair, a number."""
    texts = sorted({pair.text for pair in pairs})
    model.max_seq_length = 96
    vectors = model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    count = max(1, len(pairs) // PAIRS_A_TOPIC)
    labels = KMeans(count, random_state=seed, n_init=1).fit_predict(np.asarray(vectors))
    by_text = dict(zip(texts, labels.tolist(), strict=True))
    return [by_text[pair.text] for pair in pairs]
