"""The page that readers see, made from the results alone."""

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scale import costs, plan, simulating, words

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
Row = dict[str, Any]

WIDTH = 120


def text(record: Row) -> str:
    parts = (_introduction, _core, _costs, _trust, _loads, _routing, _scales, _cdn, _rushes)
    return wrapped("".join(part(record) for part in parts) + words.UNKNOWN)


def write(record: Row) -> None:
    PAGE.write_text(text(record), encoding="utf-8")


def wrapped(markdown: str) -> str:
    """Paragraphs and items of lists in lines of one width; tables and headings as they are."""
    blocks = []
    for block in markdown.strip().split("\n\n"):
        if block.startswith(("#", "|", "!")):
            blocks.append(block)
            continue
        items = re.split(r"\n(?=- |\d+\. )", block)
        blocks.append("\n".join(_wrapped_item(" ".join(item.split())) for item in items))
    return "\n\n".join(blocks) + "\n"


def _wrapped_item(item: str) -> str:
    mark = re.match(r"- |\d+\. |", item)
    assert mark is not None  # noqa: S101  # it matches the empty text
    indent = " " * len(mark[0])
    return textwrap.fill(
        item, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def gigabits(record: Row, model: str) -> float:
    """A second, of answers with one image, at the largest rate."""
    measured = record["measured"]
    size = measured["bytes"][model] + measured["answer"]["head_bytes"]
    return max(plan.RATES) * size * 8 / 1e9


def core_ms(record: Row, model: str) -> float:
    """CPU an image, one a request, in full batches."""
    return 1000 * plan.REPLICA.cores / float(record["simulated"]["capacity"][model])


def request_ms(record: Row) -> float:
    times = simulating.times_of(record["measured"], plan.FLOAT)
    return 1000 * (times.receive_s + times.answer_s)


def scale(record: Row, model: str, rate: float) -> Row:
    (row,) = [row for row in record["simulated"]["scales"][model] if row["rate"] == rate]
    return row


def replicas(record: Row, model: str, rate: float) -> str:
    return f"{scale(record, model, rate)['replicas']:,}"


def _num(replicas: int) -> str:
    return f"{replicas:,} replica{'' if replicas == 1 else 's'}"


def planned(record: Row, model: str, rate: float) -> int:
    """Replicas of which each is loaded to ``BUSY``."""
    return math.ceil(rate / (plan.BUSY * float(record["simulated"]["capacity"][model])))


def _introduction(record: Row) -> str:
    cost = record["measured"]["service"][plan.FLOAT]
    lone = cost["run_ms"] + cost["image_ms"]
    gives_way = (
        f"nothing: a lone image takes {lone:.1f} ms of a core",
        "the cores",
        f"the cores, long before {gigabits(record, plan.FLOAT):.1f} Gbit/s of answers",
    )
    cached = _num(record["simulated"]["behind_cdn"]["replicas"])
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
        f"replicas of two cores, each loaded to {plan.BUSY:.0%}, `{plan.FLOAT}`",
        "the same in int8",
        "what gives way first",
        "what to change",
    )
    return words.INTRODUCTION.format(
        machine=record["machine"], date=record["date"], table=table(head, rows)
    )


def _core(record: Row) -> str:
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


def _costs(record: Row) -> str:
    rows = []
    for model in plan.MODELS:
        ms = core_ms(record, model)
        dollars = costs.per_million_on_cores(
            core_ms=ms, price_per_core_hour=plan.CORE_HOUR, utilisation=plan.BUSY
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
    return words.COSTS.format(
        table=table(("model", "core hours for a million images, one a request", "dollars"), rows),
        core_hour=plan.CORE_HOUR,
        gpu_hour=plan.GPU_HOUR,
        busy=plan.BUSY,
        float=plan.FLOAT,
        float_even=float_even,
        least_images=math.ceil(float_even * request_ms(record) / 1000),
        loop=1000 / request_ms(record),
        int8_even=int8_even,
    )


def _trust(record: Row) -> str:
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


def deviation(each: Row, figure: str) -> float:
    """Of the service's median round from the simulation, as a share of that."""
    rounds = sorted(found[figure] for found in each["rounds"])
    return float(rounds[len(rounds) // 2] / each["simulated"][figure] - 1)


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
    worst = max(deviation(each, "utilisation") for each in record["live"])
    return (
        f"The service's median round beside the simulation, {'; '.join(told)}. What makes the p99 "
        "are pauses of 50 to 150 ms in each round, of a virtual machine that is shared; they are "
        f"not simulated. So the cores may be {worst:.0%} busier than simulated, p50 up to twice as "
        "long, and **p99 is what the queue alone gives**."
    )


def _by(rows: Iterable[Row], **names: object) -> Row:
    (row,) = [row for row in rows if all(row[key] == value for key, value in names.items())]
    return row


def _loads(record: Row) -> str:
    found = record["simulated"]["by_load"][plan.FLOAT]
    rows = []
    for load in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2):
        even, mixed, bursts = (
            _by(found, load=load, arrivals=kind) for kind in ("even", "mixed", "bursts")
        )
        rows.append([
            f"{load:.0%}", f"{even['utilisation']:.0%}", f"{even['p50_ms']:,.0f}",
            f"{even['p99_ms']:,.0f}",
            f"{mixed['p99_ms']:,.0f}", f"{bursts['p99_ms']:,.0f}", f"{even['queue_images']:.1f}",
            f"{bursts['shed_share']:.1%}",
        ])  # fmt: skip
    once, patient = record["simulated"]["retries"]
    return words.LOADS.format(
        table=table(
            (
                "load",
                "cores busy",
                "even: p50",
                "p99",
                "mixed: p99",
                "in bursts: p99",
                "images that wait, mean",
                "refused, in bursts",
            ),
            rows,
        ),
        float=plan.FLOAT,
        capacity=record["simulated"]["capacity"][plan.FLOAT],
        mixed="8 of 100 requests are for 4 images and 2 for 16",
        busy=plan.BUSY,
        signal=_signal(found),
        lost=once["shed_share"],
        lost_patient=patient["shed_share"],
        tries=plan.OVERLOAD_TRIES,
        refusals=patient["refusals"],
    )


def _signal(rows: Iterable[Row]) -> float:
    """The greatest load at which, on average, not even four images wait."""
    even = [row for row in rows if row["arrivals"] == "even"]
    return float(max(row["load"] for row in even if row["queue_images"] < 4))


def _routing(record: Row) -> str:
    found = record["simulated"]["routing"]
    policies = list(dict.fromkeys(row["policy"] for row in found))
    rows = [
        [
            f"{load:.0%}",
            *(f"{_by(found, load=load, policy=name)['p99_ms']:.0f}" for name in policies),
        ]
        for load in plan.ROUTED_LOADS
    ]
    random, two = (
        _by(found, load=0.8, policy=name)["p99_ms"] for name in ("at random", "better of two")
    )
    verdict = (
        f"At 80% chance alone costs {random / two:.1f} times the p99 of the better of two drawn at "
        "random, for which a balancer need only count what those two have not answered. To look "
        "at all of them is worse under a high load, probably because who has just answered a "
        "whole run looks idle and is given everything, while his next run has begun. In turn does "
        "so well because all requests are alike here."
    )
    return words.ROUTING.format(
        table=table(("load", *policies), rows),
        num=plan.ROUTED_REPLICAS,
        float=plan.FLOAT,
        verdict=verdict,
    )


def _scales(record: Row) -> str:
    rows = []
    for rate in plan.RATES:
        for model in plan.MODELS:
            row = scale(record, model, rate)
            cores = int(row["replicas"]) * plan.REPLICA.cores
            rows.append([
                f"{rate:,}", f"`{model}`", f"{row['replicas']:,}", f"{cores:,}",
                f"{row['p50_ms']:.0f}", f"{row['p99_ms']:.0f}", f"{row['utilisation']:.0%}",
                f"{planned(record, model, rate):,}",
                f"{planned(record, model, rate) * plan.REPLICA.cores * plan.CORE_HOUR:,.2f}",
            ])  # fmt: skip
    large_cores = planned(record, plan.FLOAT, max(plan.RATES)) * plan.REPLICA.cores
    return words.SCALES.format(
        table=table(
            (
                "requests a second",
                "model",
                "replicas",
                "cores",
                "p50, ms",
                "p99, ms",
                "busy",
                f"loaded to {plan.BUSY:.0%} each",
                "dollars an hour for these (assumed)",
            ),
            rows,
        ),
        most=plan.MOST_P99_MS,
        float=plan.FLOAT,
        loop=1000 / request_ms(record),
        large_cores=large_cores,
        large_price=large_cores * plan.CORE_HOUR,
        gigabits=gigabits(record, plan.FLOAT),
        large_gigabits=gigabits(record, "cgan-avatars"),
        middle=planned(record, plan.FLOAT, plan.RATES[1]),
        middle8=planned(record, plan.INT8, plan.RATES[1]),
        busy=plan.BUSY,
    )


def _cdn(record: Row) -> str:
    rows = []
    for row in record["simulated"]["cdn"]:
        first_day = row["first_day"]
        shares = [first_day[f"{rate} 1"] for rate in plan.RATES]
        shares += [first_day[f"{max(plan.RATES)} {plan.NUM_EDGES}"], row["tenth_kept"]]
        rows.append([
            f"{row['exponent']:g}", f"{row['num_urls']:,}", *(f"{share:.1%}" for share in shares),
        ])  # fmt: skip
    behind, measured = record["simulated"]["behind_cdn"], record["measured"]
    size = measured["bytes"][plan.FLOAT] + measured["answer"]["head_bytes"]
    return words.CDN.format(
        table=table(
            (
                "s",
                "different URLs",
                *(f"{rate:,} a second" for rate in plan.RATES),
                f"{max(plan.RATES):,}, {plan.NUM_EDGES} caches that share nothing",
                "in the long run, if a tenth of the URLs is kept",
            ),
            rows,
        ),
        edges=plan.NUM_EDGES,
        s=plan.CACHED[0],
        urls=plan.CACHED[1],
        room=plan.CACHED[1] * size / 1e9,
        taken=behind["taken"],
        rest=behind["rate"],
        replicas=_num(behind["replicas"]),
        large=planned(record, plan.FLOAT, max(plan.RATES)),
        gigabytes=size / 1000,
        float=plan.FLOAT,
    )


def _rushes(record: Row) -> str:
    found = record["simulated"]["rushes"]
    rows = [
        [
            f"{row['factor']} times", row["looks_at"], f"{row['shed_share']:.1%}",
            "never" if row["relief_s"] == float("inf") else f"{row['relief_s']:.0f}",
            str(row["most_pods"]),
        ]
        for factor in plan.RUSHES
        for row in found
        if row["factor"] == factor
    ]  # fmt: skip
    both, cpu = (
        _by(found, looks_at=name, factor=max(plan.RUSHES))["shed_share"]
        for name in ("CPU and queue", "CPU alone")
    )
    verdict = (
        f"Nobody helps before {plan.RUSH_START_S} s have passed: at {max(plan.RUSHES)} times the "
        f"load {both:.1%} of the first {plan.RUSH_S // 60} minutes is refused, and {cpu:.1%} "
        "without the queue: cores cannot be busier than busy, so they ask for a quarter more pods "
        "where a queue asks for all at once. What helps further is fewer seconds (images kept "
        "on the machines), more pods than are needed, and a CDN that meets the rush first."
    )
    return words.RUSHES.format(
        table=table(
            (
                "the load becomes",
                "it looks at",
                f"refused in {plan.RUSH_S // 60} minutes",
                "seconds until nobody waits",
                "pods",
            ),
            rows,
        ),
        pods=plan.RUSH_PODS,
        start=plan.RUSH_START_S,
        minutes=plan.RUSH_S // 60,
        verdict=verdict,
    )
