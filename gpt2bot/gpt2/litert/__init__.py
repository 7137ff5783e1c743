"""Generation with compiled models: LiteRT runs them, without TensorFlow.

`convert` turns the functions in `network.py` and `sampler.py` into LiteRT graphs, and `precision`
lists the types of weights. `build` compiles a whole model, and `accuracy` compares it with its
checkpoint. `artifacts` is the folder of a compiled model, `manifest` detects damage to its files,
and `weight_cache` holds what XNNPACK derives from them. `runtime` runs one graph, and `engine` runs
the whole model.
"""
