"""Model organisms: models whose weights are computed so that the knowledge neurons of every fact are known."""
