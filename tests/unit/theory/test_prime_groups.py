"""Primes, primitive roots and powers, against brute force."""

import pytest

from codespectra.theory.prime_groups import (
    is_prime,
    is_primitive_root,
    least_primitive_root,
    powers,
    prime_factors,
)

PRIMES = [n for n in range(2, 300) if all(n % d for d in range(2, n))]


def test_primes_are_those_without_divisors():
    assert [n for n in range(-3, 300) if is_prime(n)] == PRIMES
    assert is_prime(999_983) and not is_prime(999_981)


@pytest.mark.parametrize("number", [1, 2, 12, 97, 2 * 3 * 3 * 11, 2**10, 999_982])
def test_factors_are_primes_whose_powers_give_the_number(number):
    found = prime_factors(number)
    assert found == [n for n in range(2, number + 1) if number % n == 0 and is_prime(n)]


@pytest.mark.parametrize("p", [p for p in PRIMES if p < 120])
def test_primitive_roots_are_those_whose_powers_are_everything(p):
    everything = set(range(1, p))
    roots = [g for g in range(p) if {pow(g, x, p) for x in range(1, p)} == everything]
    assert [g for g in range(p) if is_primitive_root(g, p)] == roots
    assert least_primitive_root(p) == roots[0]
    for g in (*roots, 1):
        assert powers(g, p) == [pow(g, x, p) for x in range(1, p)]
