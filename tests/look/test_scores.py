"""The scores that stand under every map."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from isthmus.errors import DataError
from isthmus.look.scores import map_scores
from isthmus.models.pca import PCA

X = load_digits().images.astype(np.uint8)


def test_map_scores_are_words_under_a_figure() -> None:
    y = load_digits().target
    points = PCA(latent=2).fit(X[:1200]).transform(X)
    found = map_scores(X[1200:], points[1200:], y[1200:], points[:1200], y[:1200])
    assert 0.4 < found.knn.value < 0.8
    assert 0.75 < found.trustworthiness < 0.9
    assert found.words().startswith("5-NN accuracy 0.")
    assert found.words().endswith("n = 597")
    alone = map_scores(X[1200:], points[1200:], np.full(597, -1))
    assert alone.knn is None
    assert list(alone.rows()) == ["trustworthiness"]
    assert map_scores(X[1200:], points[1200:], y[1200:]).knn.n == 299
    with pytest.raises(DataError, match="no map"):
        map_scores(X, points, y[:9])
