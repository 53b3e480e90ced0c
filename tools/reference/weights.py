"""The numbers of crates/tiny-models/src/weights.rs, to the bit."""

import numpy as np

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def hashed(name):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def bits(seed, count):
    """SplitMix64: every state is the seed and a multiple of one number."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + GAMMA * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def tensor(seed, name, count, deviation):
    """Of mean 0 and the deviation, as f32."""
    uniform = (bits(seed ^ hashed(name), count) >> np.uint64(40)).astype(np.float32) / np.float32(8388608) - np.float32(1)
    return uniform * (np.float32(deviation) * np.float32(1.7320508))


if __name__ == "__main__":
    assert int(bits(7, 1)[0]) == 0x63CBE1E459320DD7
