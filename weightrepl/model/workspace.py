"""The open models under one root, and the names that they answer to."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any

from weightrepl.model.tree import Model, Place, nfc
from weightrepl.values import Value


class Workspace(Value):
    """The open models, in the order in which they were opened. Frozen: opening another gives a new workspace.

    Attributes:
        models: each a `Model`.
    """

    models: tuple[Model, ...] = ()

    def opened(self, *models: Model) -> Workspace:
        """Return a workspace with `models` added at its end."""
        return Workspace(self.models + models)

    def closed(self, model: Model) -> Workspace:
        """Return a workspace without `model`, which is not itself closed."""
        return Workspace(tuple(m for m in self.models if m is not model))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """The models' places, in order."""
        return tuple(model.place for model in self.models)

    @property
    def location(self) -> Place | None:
        """Where paths start if nobody says otherwise: the one open model, else None, the workspace."""
        return self.places[0] if len(self.places) == 1 else None

    @cached_property
    def by_name(self) -> dict[str, tuple[Place, ...]]:
        """Every name that an open model claims, in NFC, and the models that claim it, in order."""
        claims: dict[str, tuple[Place, ...]] = {}
        for place in self.places:
            for name in dict.fromkeys(map(nfc, place.model.names)):
                claims[name] = (*claims.get(name, ()), place)
        return claims

    @cached_property
    def spelled(self) -> dict[Place, str]:
        """The addresses of places that were spelled so far: whoever spells one keeps it here."""
        return {}

    @cached_property
    def prepared(self) -> dict[Hashable, Any]:
        """What was made ready of the models' names, so that a keystroke need not: whoever makes it keeps it here."""
        return {}

    def shown_name(self, model: Model) -> tuple[str, int]:
        """Return the name that addresses print: the first of the model's names that no other claims, and 0.

        Where others claim all its names, the first, and which of those who claim it the model is, from 1.
        """
        return self._shown[id(model)]

    @cached_property
    def _shown(self) -> dict[int, tuple[str, int]]:
        shown = {}
        for model in self.models:
            unique = [name for name in model.names if len(self.by_name[nfc(name)]) == 1]
            claims = self.by_name[nfc(model.names[0])]
            shown[id(model)] = (unique[0], 0) if unique else (model.names[0], claims.index(model.place) + 1)
        return shown
