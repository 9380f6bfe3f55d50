"""What rests on a model of the outcomes: predictions, the recommended point, importances. Native units and signs throughout."""

from bbo.model.contract import CubeModel, ListedModel, Model
from bbo.model.prediction import Prediction, model_of, own_model_of, predict
from bbo.model.recommendation import Recommendation, recommend
from bbo.model.sensitivity import Importance, importance

__all__ = [
    "CubeModel",
    "Importance",
    "ListedModel",
    "Model",
    "Prediction",
    "Recommendation",
    "importance",
    "model_of",
    "own_model_of",
    "predict",
    "recommend",
]
