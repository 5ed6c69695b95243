"""What a network costs: parameters, MACs and FLOPs under a named convention."""
