"""What a statistic of a claim is of: a network, and where in it."""


class Scope(str):
    """A scope in words, which knows its network, empty if it isn't of a single one, and its facets.

    Facets, such as layer and metric, stand behind the network in their order; `stimuli` beside it:
    `classifier on tiles, layer1, color`. Empty ones are left out of the words.
    """

    network: str
    facets: dict[str, str]

    def __new__(cls, network: str = "", **facets: str) -> "Scope":
        words = [facet for name, facet in facets.items() if name != "stimuli"]
        run = " on ".join(filter(None, (network, facets.get("stimuli"))))
        scope = super().__new__(cls, ", ".join(filter(None, (run, *words))))
        scope.network, scope.facets = network, facets
        return scope

    def at(self, **facets: str) -> "Scope":
        """The part of it with these facets, too."""
        return Scope(self.network, **(self.facets | facets))

    def of(self, network: str) -> "Scope":
        """The same of another network."""
        return Scope(network, **self.facets)
