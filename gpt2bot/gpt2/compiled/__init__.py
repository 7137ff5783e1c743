"""Compiled generation: the network, converted once per model, run by LiteRT without TensorFlow.

`convert` makes LiteRT graphs of the functions in `network.py` and `sampler.py`; `artifacts` is the
folder that they lie in; `runtime` runs one of them; `engine` makes a language model of them;
`compile` leads through the making.
"""
