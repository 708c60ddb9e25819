"""The open models under one root, and the names that they answer to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from weightrepl.model.tree import Model, Place


@dataclass(frozen=True)
class Workspace:
    """The open models, in the order in which they were opened. Frozen: opening another gives a new workspace."""

    models: tuple[Model, ...] = ()

    def opened(self, *models: Model) -> Workspace:
        """Return a workspace with `models` added at its end."""
        return Workspace(self.models + models)

    def closed(self, model: Model) -> Workspace:
        """Return a workspace without `model`, which is not itself closed."""
        return Workspace(tuple(m for m in self.models if m is not model))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The models' places, in order. The ordinal tells apart models none of whose names is unique."""
        counts: dict[str, int] = {}
        places = []
        for model in self.models:
            name = self._shown[id(model)]
            counts[name] = counts.get(name, 0) + 1
            places.append(Place(model.root, model, None, counts[name]))
        return tuple(places)

    @cached_property
    def location(self) -> Place | None:
        """Where paths start if nobody says otherwise: the one open model, else None, the workspace."""
        return self.places[0] if len(self.places) == 1 else None

    @cached_property
    def by_name(self) -> dict[str, tuple[Place, ...]]:
        """Every name that an open model claims, and the models that claim it."""
        claims: dict[str, tuple[Place, ...]] = {}
        for place in self.places:
            for name in dict.fromkeys(place.model.names):
                claims[name] = (*claims.get(name, ()), place)
        return claims

    def shown_name(self, model: Model) -> str:
        """Return the name that addresses print: the first of the model's names that no other model claims."""
        return self._shown[id(model)]

    @cached_property
    def _shown(self) -> dict[int, str]:
        claims = _count(name for model in self.models for name in set(model.names))
        return {
            id(model): next((name for name in model.names if claims[name] == 1), model.names[0])
            for model in self.models
        }


def _count(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
