"""The second half of the page: replicas by load, rate, balancer, cache and rush."""

from benchmarks.scale import plan, words
from benchmarks.scale.figures import (
    Row,
    counted,
    gigabits,
    load_without_queue,
    planned,
    request_ms,
    row_of,
    scale,
)
from benchmarks.scale.markdown import table


def loads(record: Row) -> str:
    found = record["simulated"]["by_load"][plan.FLOAT]
    rows = []
    for load in (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2):
        even, mixed, bursts = (
            row_of(found, load=load, arrivals=kind) for kind in ("even", "mixed", "bursts")
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
        loaded=plan.LOADED,
        signal=load_without_queue(found),
        lost=once["shed_share"],
        lost_patient=patient["shed_share"],
        tries=plan.OVERLOAD_TRIES,
        refusals=patient["refusals"],
    )


def routing(record: Row) -> str:
    found = record["simulated"]["routing"]
    policies = list(dict.fromkeys(row["policy"] for row in found))
    rows = [
        [
            f"{load:.0%}",
            *(f"{row_of(found, load=load, policy=name)['p99_ms']:.0f}" for name in policies),
        ]
        for load in plan.ROUTED_LOADS
    ]
    random, two = (
        row_of(found, load=0.8, policy=name)["p99_ms"] for name in ("at random", "better of two")
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


def scales(record: Row) -> str:
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
                f"loaded to {plan.LOADED:.0%} each",
                "dollars an hour for these (assumed)",
            ),
            rows,
        ),
        most=plan.MOST_P99_MS,
        spare=plan.FIRST_TRIED - 1,
        step=1 / plan.STEPS,
        float=plan.FLOAT,
        loop=1000 / request_ms(record),
        large_cores=large_cores,
        large_price=large_cores * plan.CORE_HOUR,
        gigabits=gigabits(record, plan.FLOAT),
        large_gigabits=gigabits(record, "cgan-avatars"),
        middle=planned(record, plan.FLOAT, plan.RATES[1]),
        middle8=planned(record, plan.INT8, plan.RATES[1]),
        loaded=plan.LOADED,
    )


def cdn(record: Row) -> str:
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
        replicas=counted(behind["replicas"]),
        large=planned(record, plan.FLOAT, max(plan.RATES)),
        gigabytes=size / 1000,
        float=plan.FLOAT,
    )


def rushes(record: Row) -> str:
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
        row_of(found, looks_at=name, factor=max(plan.RUSHES))["shed_share"]
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
