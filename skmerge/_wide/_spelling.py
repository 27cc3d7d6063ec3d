"""What words or categories of like spelling share: tokens go in, a sparse matrix comes out.

A linear model whose weights are ``W = V_words + G V_letters``, with a penalty on both, learns about
a word from others that share letters with it, as fastText's word vectors do (Bojanowski et al.
2017, "Enriching Word Vectors with Subword Information", section 3.2). In the network there is but
one table, of W.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer


class Runs(NamedTuple):
    """Runs of letters.

    Parameters
    ----------
    shortest : int
        Least length.
    longest : int
        Greatest length.
    n_tokens : int
        How many tokens must have a run for it to count.
    share : float
        How much the letters of a token weigh beside the token itself.
    """

    shortest: int
    longest: int
    n_tokens: int
    share: float


OF_WORDS = Runs(3, 5, 3, 0.7)
#: of names and codes, such as zip codes, whose first digits already tell where they are
OF_CATEGORIES = Runs(2, 4, 2, 1.5)


def spelling(tokens: Sequence[str], of: Runs) -> sparse.csr_matrix | None:
    """Return for each token the runs of letters in it.

    Word ends count as letters. Runs are weighed by how rare they are among the tokens, each token
    scaled to a length of `of.share`.

    Parameters
    ----------
    tokens : sequence of str
        The tokens.
    of : Runs
        Which runs count.

    Returns
    -------
    csr_matrix of shape (n_tokens, n_runs), dtype float32, or None
        None where there are no such runs.
    """
    vectorizer = TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(of.shortest, of.longest),
        min_df=of.n_tokens,
        lowercase=False,
        dtype=np.float32,
    )
    try:
        return of.share * vectorizer.fit_transform(tokens)
    except ValueError:  # no run is in so many tokens
        return None
