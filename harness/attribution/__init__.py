"""Attribution scores: path integrals of the answer probability."""
