"""Which numbers are far larger than those beside them, in the inputs of each matrix: `narrow` leaves them in 32 bits.

The model itself makes them so, whatever the text: the same few channels in every layer, one of them up to forty times
as large as most.  `python -m training.encoder_channels` finds them, and says on which texts.
"""

from types import MappingProxyType
from typing import Final

LARGE: Final = MappingProxyType(
    {
        "encoder.layer.0.attention.self": (11, 63, 99, 136, 157, 294, 303, 338),
        "encoder.layer.0.intermediate.dense": (63, 99, 157, 267, 303, 338, 347, 359),
        "encoder.layer.0.output.dense": (329, 691, 799, 856, 887, 1163, 1383, 1389),
        "encoder.layer.1.attention.self": (63, 99, 157, 223, 267, 303, 338, 363),
        "encoder.layer.1.intermediate.dense": (63, 99, 157, 223, 267, 303, 338, 347),
        "encoder.layer.1.output.dense": (116, 417, 607, 821, 1072, 1157, 1162, 1184),
        "encoder.layer.2.attention.self": (63, 99, 157, 223, 233, 267, 338, 363),
        "encoder.layer.2.intermediate.dense": (63, 99, 157, 223, 267, 338, 347, 363),
        "encoder.layer.2.output.dense": (144, 145, 218, 304, 427, 805, 1004, 1265),
        "encoder.layer.3.attention.self": (63, 99, 157, 221, 223, 338, 363, 383),
        "encoder.layer.3.intermediate.dense": (63, 99, 127, 157, 223, 338, 363, 383),
        "encoder.layer.3.output.dense": (245, 358, 456, 750, 959, 1004, 1057, 1085),
        "encoder.layer.4.attention.self": (63, 99, 131, 157, 223, 338, 351, 363),
        "encoder.layer.4.intermediate.dense": (63, 99, 127, 157, 223, 338, 363, 383),
        "encoder.layer.4.output.dense": (122, 128, 192, 637, 918, 1097, 1321, 1357),
        "encoder.layer.5.attention.self": (99, 157, 223, 252, 338, 351, 363, 383),
        "encoder.layer.5.intermediate.dense": (63, 99, 127, 157, 223, 249, 267, 319),
        "encoder.layer.5.output.dense": (256, 486, 499, 959, 1280, 1300, 1302, 1381),
    }
)
"""By the name of the product.  What goes into `attention.output` has none."""
