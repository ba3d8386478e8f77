"""An upload to a verdict on what it claims to be. Knows no route."""

from app.claims import Claim, NotVerifiable, claim_of
from app.inspections import Difference, difference, expected_size, order_of
from app.orders import Order
from app.parts import Parts
from app.schemas import ImageDifference, Inspection


async def inspect_upload(upload: bytes, parts: Parts, *, timeout_s: float) -> Inspection:
    """Make again what the image claims to be, and compare.

    Raises:
        UnsupportedMediaType, InvalidUpload: not an image, or a damaged one.
        QueueFull, DeadlineExceeded, InferenceFailed, Draining: as ``Engine.generate`` does.
    """
    try:
        claim = await parts.engine.run_decoding(claim_of, upload)
    except NotVerifiable as why:
        return _not_verifiable(str(why))
    try:
        order = order_of(claim, registry=parts.registry, max_images=parts.settings.max_images)
    except NotVerifiable as why:
        return _not_verifiable(str(why), claim)
    generated = await parts.engine.generator(order.model).generate(
        seed=order.seed,
        num_images=order.num_images,
        label=order.label,
        label_weights=None if order.mixture is None else order.mixture.weights,
        truncation_threshold=order.truncation,
        timeout_s=timeout_s,
    )
    found = await parts.engine.run_decoding(difference, upload, generated.images, order)
    is_exact = parts.reproducibility.is_exact(generated.made_by or order.model)
    return _judged(order, claim, found, is_exact=is_exact)


def _judged(order: Order, claim: Claim, found: Difference | None, *, is_exact: bool) -> Inspection:
    verdict, reason = _verdict(order, found, is_exact=is_exact)
    return Inspection.model_validate(
        {
            "verdict": verdict,
            "reason": reason,
            "model": f"{order.model.name}/{order.model.version}",
            "claim": claim.model_dump(exclude_unset=True),
            "difference": found and ImageDifference(**vars(found)),
        }
    )


def _verdict(order: Order, found: Difference | None, *, is_exact: bool) -> tuple[str, str]:
    if found is None:
        width, height = expected_size(order)
        return "altered", f"its size is not that of what it claims to be, {width}x{height}"
    share = f"{found.num_different_pixels:,} of {found.num_pixels:,} pixels"
    if not found.num_different_pixels:
        return "authentic", f"all {found.num_pixels:,} pixels are those of the image made again"
    if found.largest > 1:
        return "altered", f"{share} differ from the image made again, by up to {found.largest}"
    if not is_exact:
        return "authentic", f"{share} differ by one level, as they may on this device"
    return "not verifiable", (
        f"{share} differ, by one level: so does the rounding of another processor or runtime, "
        "and so would a change as small"
    )


def _not_verifiable(reason: str, claim: Claim | None = None) -> Inspection:
    return Inspection(
        verdict="not verifiable",
        reason=reason,
        model=None,
        claim=None if claim is None else claim.model_dump(exclude_unset=True),
        difference=None,
    )
