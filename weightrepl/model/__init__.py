"""What a model looks like to everybody else: layers, weights, tensors, the workspace."""
