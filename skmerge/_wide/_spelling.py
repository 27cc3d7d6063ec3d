"""What words of like spelling have in common: tokens go in, a sparse matrix comes out.

A linear model whose weights are ``W = V_words + G V_letters``, with a penalty on both, learns about
a word from others that share letters with it, as fastText's word vectors do (Bojanowski et al.
2017, "Enriching Word Vectors with Subword Information", section 3.2). In the network there is but
one table, of W.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

#: How much the letters of a word weigh beside the word itself.
SPELLING_SHARE = 0.7
_LENGTHS = (3, 5)


def spelling(tokens: Sequence[str]) -> sparse.csr_matrix | None:
    """Return for each token the runs of three to five letters in it.

    Word ends count as letters. Runs are weighed by how rare they are among the tokens, each token
    scaled to a length of 0.7; runs of fewer than three tokens are left out.

    Parameters
    ----------
    tokens : sequence of str
        The tokens.

    Returns
    -------
    csr_matrix of shape (n_tokens, n_runs), dtype float32, or None
        None where there are no such runs.
    """
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=_LENGTHS, min_df=3, lowercase=False, dtype=np.float32
    )
    try:
        return SPELLING_SHARE * vectorizer.fit_transform(tokens)
    except ValueError:  # no run is in three tokens
        return None
