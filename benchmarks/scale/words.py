"""The words of the page, with holes for what was found. Knows no figure but the settings'."""

INTRODUCTION = """# How far it goes

Made by `python -m benchmarks.scale`. What a core gives is **measured** ({machine}, {date}, beside
other work); how many of them behave is **simulated** from that; prices are **assumed**. Nothing
here was run on a GPU or in a cluster: what is said of them is a formula, or says so.

{table}
"""

CORE = """
## What a core gives

Milliseconds of CPU, measured. "No server" is latents, one run and PNG files in one thread, the
least of eight repeats. "Service" is the CPU time of `ganserve serve` on one core under 1 to
{most}
clients that ask for one image each: a straight line through what a run costs and what an image
costs in it.

{table}

- A request costs {request:.2f} ms beside its image, on the event loop, which is one thread: one
  process takes
  at most {loop:,.0f} requests a second, however many cores run its models. Beyond that: [more
  workers](settings.md), or more images in a request.
- A request that is answered 304 costs {unchanged:.2f} ms.
- An image weighs {bytes:,} bytes (`{float}`, 32x32, grey) to {large_bytes:,} (`cgan-avatars`,
  64x64, colour), its
  answer's head {head} more.

Measured while others used the machine heavily, so take these as high: on a machine of its own
with AVX-512 a
[comparison](log.md) of 2026-11-24 found 1.43 ms an image at 128 connections.
"""

COSTS = """
## What a million images cost

Hours of a core = CPU-ms an image in full runs x 1,000,000 / 3,600,000; divided by the load, a
share of what the cores can make at most (not of the time for which they are busy, which is
[more](#latency-against-load)); times a price. With {core_hour:.2f} dollars for a core and hour,
and cores loaded to {loaded:.0%} of what they can make (**both assumed**; put in yours):

{table}

A GPU costs dollars an hour / (images a second x 3,600) x 1,000,000 / the load. How many
images a second one
gives with this service is not measured (`python -m benchmarks.gpu` does it). At {gpu_hour:.2f}
dollars an hour (assumed) it is
cheaper than cores from **{float_even:,.0f} images a second** on with `{float}`, and from
{int8_even:,.0f} with the int8 file on the
cores, if it is loaded to as much of what it can make. One process uses one GPU, and its event
loop takes {loop:,.0f} requests a second: with one image
a request it is the loop that ends first, a million of them cost {loop_dollars:.2f} dollars, and
such a GPU pays only from {least_images} images a request on (`{float}`; cores are cheaper then,
too, since the images share what a request costs).
"""

TRUST = """
## Can the simulation be trusted?

It holds the service's own rules: what waits is shared by the runs that are free, up to 32 images
each; who may wait and when the others shall come back is decided by the service's own code; event
loop and runs share the cores.
Tests hold it to the formulas of M/M/1, M/D/1 and to what a saturated queue can give. And the
service itself, on one
core, was asked at the same moments as the simulation ({rounds} rounds each of {seconds:.0f} s,
all shown):

{table}

{verdict}
"""

LOADS = """
## Latency against load

![](images/scale.png)

One replica of two cores, `{float}`, {capacity:,.0f} images a second at most; p50 and p99 in ms.
"Mixed": {mixed}. "In bursts": for a third
of the time twice as many, half a second at a time. Load is the share of what it makes at most, in
full runs; its cores are busier, since runs are small where little waits.

{table}

- **Plan with {loaded:.0%} of the load**, not of the CPU: batches grow with the load, so that p99
  stays flat
  long after the cores are busy. Bursts end that earlier than an even load shows.
- The mean queue is the autoscaler's signal: it tells little below {signal:.0%} of the load and
  everything above. That is
  why [ours](kubernetes.md#as-many-pods-as-are-needed) looks at the CPU, too.
- Twice the capacity for 20 s, then half of it for a minute: {lost:.0%} of all requests end with
  429 if nobody comes back; if all keep
  their `Retry-After`, up to {tries} tries, {lost_patient:.1%}, after {refusals:,.0f} refusals.
Refusals cost the loop's time, too.
"""

ROUTING = """
## Who gets the next request

{num} replicas of two cores, `{float}`, the same requests for all; p99 in ms:

{table}

{verdict} A Service of Kubernetes chooses at random, by connection: put a proxy in front that
counts
requests, or keep the load lower.
"""

SCALES = """
## At 10, 1,000 and 100,000 requests a second

Of one image each, evenly, by the better of two: about the fewest replicas of two cores with a p99
of at most {most} ms (where they are many, tried from {spare:.0%} more than capacity asks for, in
steps of {step:.0%}), and beside them those of which each is loaded to {loaded:.0%}, with which one
should plan.

{table}

**10 a second.** Nothing gives way. One process, one core. Run two for the sake of restarts.

**1,000 a second.** Cores. {middle} replicas with `{float}`, {middle8} with int8; one machine of
that many
cores does it as well, as one process for each few cores, since one event loop ends at {loop:,.0f}
requests a second. Latency then depends on who gets the next request, above, and on bursts.

**100,000 a second.** {large_cores:,} cores with `{float}`. In the order in which it gives way:

1. *Cores*, and their price: {large_price:,.0f} dollars an hour (assumed). What repeats belongs
into a
   [CDN](#what-a-cdn-takes); several images in a request save the event loop's share; int8 saves a
   third or more of the rest.
2. *The way in.* {gigabits:.1f} Gbit/s of answers, {large_gigabits:.1f} with `cgan-avatars`, and
a balancer that counts
   requests for so many replicas. Replicas close what is idle for 5 s (`keep_alive_timeout_s`), so
   the balancer must do so earlier. Not measured here.
3. *Time to react.* See [below](#a-rush-and-the-autoscaler). Each new pod pulls its image first:
that
   of CPUs has 220 MB beside its base, that of GPUs 2.36 GB
   ([containers](containers.md#images)); keep
   them on the machines. `maxReplicas` of the manifests is 20: raise it.
4. *What watches it.* Prometheus reads every pod each 15 s; limits of keys are counted by each pod.
"""

CDN = """
## What a CDN takes

A GET with a seed of a pinned model (`model=NAME@DIGEST`) is `immutable` for a year: a cache asks
once for each URL. How
many requests that takes off the service depends on who asks for what. Here URLs are asked for by
a Zipf law
(the i-th most popular 1 / i^s as often as the first); the share of requests that **never reach
the service**, on the first day from
empty caches, by s, by the number of different URLs, and by requests a second:

{table}

- Random seeds of four billion are no repeats: a page that draws a new seed for every visitor
  gets nothing from a CDN. Offer a
  catalogue of seeds instead.
- Put one cache (a shield) between the edges and the service: {edges} edges that each ask for
  themselves lose much of it.
- With s = {s:g} and {urls:,} URLs a cache that forgets nothing ({room:.0f} GB) takes
  {taken:.1%} of 100,000
  requests a second; what is left, {rest:,.0f} a second, takes {replicas} in place of {large}.
- It takes none where [API keys](access.md) are used (`private`), of URLs without a seed, of
  POSTs, and of names without a digest beyond a
  minute.
- What leaves the CDN is bytes: a million images of `{float}` are {gigabytes:.1f} GB with their
  heads.
"""

RUSHES = """
## A rush, and the autoscaler

{pods} pods at half their load, then suddenly more; a new pod helps {start} s after the
autoscaler's word (an assumption: placing,
pulling, loading). The [autoscaler](kubernetes.md#as-many-pods-as-are-needed) as installed, and
with one of its eyes shut; requests flow like water
here, so this is the best case.

{table}

{verdict}
"""

UNKNOWN = """
## What is not known

- A GPU, at all; a cluster, at all. Networks, balancers and CDNs are not simulated: their time comes
  on top.
- The tail of a real machine: see the p99 [above](#can-the-simulation-be-trusted).
- Whether other machines scale as cores do here: hyperthreads are no cores, and large machines share
  memory and clock.
"""
