"""Where arrays come from: one module a data set, the types, and tf.data pipelines."""
