"""Training and prediction of any Keras model, many steps in one compiled call."""
