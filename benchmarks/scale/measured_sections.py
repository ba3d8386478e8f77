"""The first half of the page: what a core gives, what it costs, whether to trust the rest."""

from benchmarks.scale import costs, plan, words
from benchmarks.scale.figures import Row, core_ms, counted, deviation, gigabits, planned, request_ms
from benchmarks.scale.markdown import table


def introduction(record: Row) -> str:
    cost = record["measured"]["service"][plan.FLOAT]
    lone = cost["run_ms"] + cost["image_ms"]
    gives_way = (
        f"nothing: a lone image takes {lone:.1f} ms of a core",
        "the cores",
        f"the cores, long before {gigabits(record, plan.FLOAT):.1f} Gbit/s of answers",
    )
    cached = counted(record["simulated"]["behind_cdn"]["replicas"])
    remedies = (
        "nothing; a second replica for the sake of restarts",
        "replicas, or [the int8 file](training.md)",
        f"URLs with seed and `NAME@DIGEST`, and a [CDN](#what-a-cdn-takes): {cached}",
    )
    rows = [
        [
            f"{rate:,} a second",
            *(f"{planned(record, model, rate):,}" for model in plan.MODELS),
            *remarks,
        ]
        for rate, *remarks in zip(plan.RATES, gives_way, remedies, strict=True)
    ]
    head = (
        "requests of one image",
        f"replicas of two cores, each loaded to {plan.LOADED:.0%}, `{plan.FLOAT}`",
        "the same in int8",
        "what gives way first",
        "what to change",
    )
    return words.INTRODUCTION.format(
        machine=record["machine"], date=record["date"], table=table(head, rows)
    )


def core(record: Row) -> str:
    measured = record["measured"]
    rows = []
    for model in plan.MODELS:
        bare, cost = measured["bare_ms"][model], measured["service"][model]
        rows.append([
            f"`{model}`", f"{bare['1']:.2f}", f"{bare['32'] / 32:.2f}", f"{cost['run_ms']:.2f}",
            f"{cost['image_ms']:.2f}", f"{1000 / core_ms(record, model):,.0f}",
        ])  # fmt: skip
    return words.CORE.format(
        table=table(
            (
                "model",
                "no server: an image alone",
                "in runs of 32",
                "service: a run",
                "and an image in it",
                "images a second and core, at most",
            ),
            rows,
        ),
        most=32,
        request=request_ms(record),
        loop=1000 / request_ms(record),
        unchanged=measured["answer"]["unchanged_ms"],
        bytes=measured["bytes"][plan.FLOAT],
        large_bytes=measured["bytes"]["cgan-avatars"],
        head=measured["answer"]["head_bytes"],
        float=plan.FLOAT,
    )


def costs_of_images(record: Row) -> str:
    rows = []
    for model in plan.MODELS:
        ms = core_ms(record, model)
        dollars = costs.per_million_on_cores(
            core_ms=ms, price_per_core_hour=plan.CORE_HOUR, load=plan.LOADED
        )
        rows.append([f"`{model}`", f"{ms / 3.6:.2f}", f"{dollars:.3f}"])
    float_even, int8_even = (
        costs.gpu_must_give(
            core_ms=core_ms(record, model),
            price_per_core_hour=plan.CORE_HOUR,
            price_per_gpu_hour=plan.GPU_HOUR,
        )
        for model in plan.MODELS
    )
    loop = 1000 / request_ms(record)
    return words.COSTS.format(
        table=table(("model", "core hours for a million images, one a request", "dollars"), rows),
        core_hour=plan.CORE_HOUR,
        gpu_hour=plan.GPU_HOUR,
        loaded=plan.LOADED,
        float=plan.FLOAT,
        float_even=float_even,
        least_images=costs.least_images_in_a_request(
            core_ms=core_ms(record, plan.FLOAT),
            request_ms=request_ms(record),
            price_per_core_hour=plan.CORE_HOUR,
            price_per_gpu_hour=plan.GPU_HOUR,
        ),
        loop=loop,
        loop_dollars=costs.per_million_on_a_gpu(
            images_per_second=loop, price_per_gpu_hour=plan.GPU_HOUR, load=plan.LOADED
        ),
        int8_even=int8_even,
    )


def trust(record: Row) -> str:
    rows = []
    for each in record["live"]:
        name = f"`{each['model']}`, {each['rate']:g}"
        seen = [("simulated", each["simulated"])]
        seen += [(f"service, {i}", found) for i, found in enumerate(each["rounds"], 1)]
        for what, found in seen:
            rows.append([
                name, what, f"{found['utilisation']:.0%}", f"{found['batch_size']:.2f}",
                f"{found['p50_ms']:.1f}", f"{found['p99_ms']:.0f}",
            ])  # fmt: skip
            name = ""
    return words.TRUST.format(
        table=table(
            ("model, requests a second", "", "busy", "images in a run", "p50, ms", "p99, ms"), rows
        ),
        rounds=plan.LIVE_ROUNDS,
        seconds=plan.LIVE_S,
        verdict=_verdict(record),
    )


def _verdict(record: Row) -> str:
    told = []
    for each in record["live"]:
        busy, size, p50 = (
            f"{100 * deviation(each, name) + 0.0:+.0f}%".replace("-0%", "+0%")
            for name in ("utilisation", "batch_size", "p50_ms")
        )
        slower = deviation(each, "p99_ms") + 1
        told.append(
            f"{each['rate']:g} a second: {busy} busy, {size} images in a run, {p50} in p50, "
            f"p99 {slower:.1f} times as long"
        )
    worst, worst_p50 = (
        max(deviation(each, name) for each in record["live"]) for name in ("utilisation", "p50_ms")
    )
    return (
        f"The service's median round beside the simulation, {'; '.join(told)}. What makes the p99 "
        "are pauses of 50 to 150 ms in each round, of a virtual machine that is shared; they are "
        f"not simulated. So the cores may be {worst:.0%} busier than simulated, p50 up to "
        f"{worst_p50 + 1:.1f} times as long, and **p99 is what the queue alone gives**."
    )
