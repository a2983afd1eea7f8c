"""The benchmark: claims about where a language model keeps its facts, one test a claim."""
