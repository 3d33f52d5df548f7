"""The multiplicative group of a prime p: its generators, and g^x mod p (paper A's supplement, 2.2).

In plain integers: sections of the config look numbers up here.
"""

from math import isqrt


def is_prime(number: int) -> bool:
    """Whether a number has no divisor between 1 and itself."""
    return number > 1 and all(number % divisor for divisor in range(2, isqrt(number) + 1))


def prime_factors(number: int) -> list[int]:
    """The distinct primes that divide a number above 0, in ascending order."""
    found, divisor = [], 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            found.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return [*found, number] if number > 1 else found


def is_primitive_root(g: int, p: int) -> bool:
    """Whether the powers of g are all of 1..p-1, for a prime p.

    They are unless a power (p - 1) / q, with q a prime divisor of p - 1, is 1 already.
    """
    return g % p != 0 and all(pow(g, (p - 1) // q, p) != 1 for q in prime_factors(p - 1))


def least_primitive_root(p: int) -> int:
    """The smallest primitive root of a prime p."""
    return next(g for g in range(1, p) if is_primitive_root(g, p))


def powers(g: int, p: int) -> list[int]:
    """g^x mod p for x = 1..p-1."""
    found = [g % p]
    while len(found) < p - 1:
        found.append(found[-1] * g % p)
    return found
