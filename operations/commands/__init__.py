"""The verbs of `python -m operations`, one module each; `offered` lists them."""
