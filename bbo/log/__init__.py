"""The log of a study: its events, the states of its trials, and the ledger folded from them."""

from bbo.log.events import Event
from bbo.log.ledger import Ledger, Record, Update
from bbo.log.states import State

__all__ = ["Event", "Ledger", "Record", "State", "Update"]
