"""Compare kerasnets.profile with XLA's own cost analysis of the compiled forward pass.

    python scripts/benchmarks/profile_xla.py PYTHON

PYTHON is an interpreter with jax and keras installed (`pip install "jax[cpu]" keras`), in an
environment of its own: this project does not depend on jax. XLA counts a sum of n products as 2n
operations, one addition more than there is, and counts a bias beside it; functions such as exp
stand apart as transcendentals. What is left over is explained in docs/profiling.md.
"""

import json
import os
import subprocess  # runs the interpreter named on the command line
import sys


def costs(architectures):
    """XLA's figures for models given as JSON; runs under the interpreter that has jax."""
    import jax
    import keras

    for name, architecture in architectures.items():
        model = keras.models.model_from_json(architecture)
        weights = [
            [variable.value for variable in variables]
            for variables in (model.trainable_variables, model.non_trainable_variables)
        ]
        x = jax.ShapeDtypeStruct((1, *model.input_shape[1:]), "float32")

        def forward(trainable, other, x, model=model):
            return model.stateless_call(trainable, other, x, training=False)[0]

        cost = jax.jit(forward).lower(*weights, x).compile().cost_analysis()
        yield name, cost["flops"] + cost.get("transcendentals", 0)


def main():
    """Print ours, XLA's and the difference for every net without a time loop, and for one with."""
    import kerasnets as kn
    from kerasnets.profiling import convention

    @convention("xla")
    def xla(op):
        """2 · terms a sum and 1 its bias; every other operation 1."""
        if not op.terms:
            return (op.each.operations, *op.outputs)
        return 2 * op.macs + op.bias * op.sums

    nets = {name: kn.build(name) for name in kn.list_nets("seizure-*")}
    given = json.dumps({name: net.to_json() for name, net in nets.items()})
    answer = subprocess.run(
        [sys.argv[1], __file__],
        input=given,
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    print(f"{'net':<24} {'exact':>10} {'as XLA':>10} {'XLA':>10} {'difference':>10}")
    for name, flops in json.loads(answer.stdout).items():
        exact = kn.profile(nets[name]).flops
        ours = kn.profile(nets[name], convention="xla").flops
        print(f"{name:<24} {exact:>10,} {ours:>10,} {flops:>10,.0f} {flops - ours:>10,.0f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main()
    else:
        print(json.dumps(dict(costs(json.load(sys.stdin)))))
