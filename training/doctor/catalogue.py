"""The diseases that are looked for; causes stand before what follows from them."""

from training.doctor.balance import DISCRIMINATOR_LOSES, DISCRIMINATOR_WINS, VANISHING
from training.doctor.disease import Disease
from training.doctor.pixels import OUT_OF_RANGE, SATURATED, WRONGLY_SCALED
from training.doctor.quality import GETTING_WORSE, WRONG_CLASSES
from training.doctor.stability import DIVERGING, NOT_FINITE, OSCILLATING, RATE_TOO_HIGH
from training.doctor.variety import CLASS_COLLAPSE, LOST_CLASSES, MODE_COLLAPSE

DISEASES: tuple[Disease, ...] = (
    WRONGLY_SCALED,
    NOT_FINITE,
    DIVERGING,
    OUT_OF_RANGE,
    RATE_TOO_HIGH,
    SATURATED,
    VANISHING,
    DISCRIMINATOR_LOSES,
    DISCRIMINATOR_WINS,
    MODE_COLLAPSE,
    CLASS_COLLAPSE,
    LOST_CLASSES,
    WRONG_CLASSES,
    OSCILLATING,
    GETTING_WORSE,
)
