"""Which models there are, which of them lie on this machine, and how the missing ones come here.

Nothing in this package but ``pull``, ``hub``, ``transfer`` and ``wheel`` touches the network, and only the command
``assistant models pull`` imports those.
"""

from assistant.models.catalogue import Catalogue, Licence, Model, load_catalogue
from assistant.models.store import ModelState, ModelStore, bundled_folder

__all__ = ["Catalogue", "Licence", "Model", "ModelState", "ModelStore", "bundled_folder", "load_catalogue"]
