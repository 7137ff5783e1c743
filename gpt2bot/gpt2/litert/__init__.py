"""Compiled generation: the network, converted once per model, run by LiteRT without TensorFlow.

`convert` makes LiteRT graphs of the functions in `network.py` and `sampler.py`; `build` leads
through the conversion; `artifacts` is the folder that holds the graphs; `weight_cache` is what
XNNPACK derives from them; `runtime` runs one graph; `engine` makes a language model of them all.
"""
