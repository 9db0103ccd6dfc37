"""What is known of a compose replica, kept in its directory for whoever asks."""

from dataclasses import dataclass

from golive.compose.networks import Networks
from golive.replica.state import State


@dataclass(frozen=True)
class ContainersState(State):
    """One compose replica; its servers are containers, of which the engine knows the state.

    `keeper` is the process that removes it should its owner be killed.
    """

    @property
    def subnet(self) -> Networks:
        """The addresses of the replica."""
        return Networks(self.number)
