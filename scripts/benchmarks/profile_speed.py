"""Time and memory of kerasnets.profile.

    python scripts/benchmarks/profile_speed.py

Goals: less than 10 ms per net of the catalogue after the first, less than 1 s for ResNet50, and no
memory growth.
"""

import statistics
import time
import tracemalloc

import keras

import kerasnets as kn

REPEATS = 20


def milliseconds(model):
    """Median processor time of several runs after the first one."""
    kn.profile(model)
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        kn.profile(model)
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times)


def memory_growth(model):
    """Bytes that are still allocated after several profiles, and the peak."""
    kn.profile(model)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(REPEATS):
        kn.profile(model)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before, peak


def main():
    """Print one line per network."""
    nets = {name: kn.build(name) for name in kn.list_nets()}
    nets["ResNet50"] = keras.applications.ResNet50(weights=None)
    print(f"{'network':<24} {'ms':>8} {'kept KB':>8} {'peak KB':>8}")
    for name, model in nets.items():
        kept, peak = memory_growth(model)
        print(f"{name:<24} {milliseconds(model):>8.2f} {kept / 1024:>8.1f} {peak / 1024:>8.0f}")


if __name__ == "__main__":
    main()
