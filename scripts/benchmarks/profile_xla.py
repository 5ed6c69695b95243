"""Compare kerasnets.profile with XLA's own cost analysis of the compiled forward pass.

    python scripts/benchmarks/profile_xla.py PYTHON

PYTHON is an interpreter with jax and keras installed (`pip install "jax[cpu]" keras`) in a separate
environment, because this project does not depend on jax. XLA counts a sum of n products as 2n
operations, which is one addition too many, and a bias in addition. It counts functions such as exp
separately, as transcendentals. docs/profiling.md explains the remaining differences.
"""

import json
import os
import subprocess  # runs the interpreter named on the command line
import sys


def costs(architectures):
    """Counts of XLA for models as JSON. Runs in the interpreter that has jax."""
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
    """Print our count, the count of XLA and the difference for every seizure net."""
    import kerasnets as kn
    from kerasnets.profiling import convention

    @convention("xla")
    def xla(op):
        """Count 2 · terms per sum, 1 per bias, and 1 per other operation."""
        if not op.terms:
            return (op.each.operations, *op.outputs)
        return 2 * op.macs + op.bias * op.sums

    nets = {name: kn.build(name) for name in kn.list_nets("seizure-*")}
    architectures = json.dumps({name: net.to_json() for name, net in nets.items()})
    answer = subprocess.run(
        [sys.argv[1], __file__],
        input=architectures,
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
