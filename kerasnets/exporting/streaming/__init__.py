"""Live streams: a model as a step that takes a chunk and states, and returns outputs and states."""
