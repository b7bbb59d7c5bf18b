"""The kinds of inputs that a card may have, as its `type` names them: one file for each family."""

from typing import TypeAlias

from ml_server.inputs.base import Checked, Histogram, Input, Scalar, Value, WrongValueError
from ml_server.inputs.choice import Boolean, Category
from ml_server.inputs.date import Date
from ml_server.inputs.image import Picture
from ml_server.inputs.number import Integer, Number
from ml_server.inputs.sequence import LetterSequence

AnyInput: TypeAlias = Number | Integer | Boolean | Category | Date | LetterSequence | Picture

__all__ = [
    "AnyInput",
    "Boolean",
    "Category",
    "Checked",
    "Date",
    "Histogram",
    "Input",
    "Integer",
    "LetterSequence",
    "Number",
    "Picture",
    "Scalar",
    "Value",
    "WrongValueError",
]
