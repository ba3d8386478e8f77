"""How it is measured, in words: the head of the page."""

INTRODUCTION = """# ganserve beside other model servers

Made by `make bench-serving` and `python -m benchmarks.serving.page`: the same machine, the same
ONNX file ({model}), the same images.

{cpu}, {cores} cores, Linux {kernel}; Python {python}; {wrk}; Node {node} with undici {undici};
{date}.

![]({chart})

## Protocol

- A request is a POST with a seed, in the JSON that is natural to the server; the answer is the PNG
  of the seed's image. Every contestant draws latents and writes PNG files by the same fast code;
  ganserve also writes its provenance. Before each visit, 32 seeds, eight at a time, must give the
  pixels of the bare ONNX session (PyTorch: at most one level off).
- Each has its own environment, the best [settings](#settings) we found, and a server process
  started afresh in each round. There are {rounds} rounds; each takes all contestants in turn and
  starts with another one. A cell is the median of the rounds, below it the lowest and the highest;
  the best of a row is bold, whoever it is. Who failed a request in a cell cannot win it.
- The last column is ganserve with another file, the same model after `gantrain quantize` (int8
  weights and activations; its own figures of quality are in its card). It is there to compare, and
  wins no row.
- Load comes from the last core: `wrk` with one thread (closed loop, {seconds:g} s a cell), and
  Node for the open loop. The servers may use all cores, that one included.
- CPU time is user and system time of all processes of a server, ended ones too, from /proc.
  Memory is their proportional set size (PSS), which counts shared pages once, after the closed
  loop. The start is from the first process to the first image.
- Closed loop: each connection asks again when it has its answer; percentiles are wrk's own.
- Open loop: requests arrive at random (Poisson), at a share of what the same server managed at
  best in the closed loop of that visit; they never wait for each other. Latency counts from the
  moment when a request was due, so that no omission is coordinated; the generator's clock ticks
  every millisecond. Shed means refused with 429 or 503; the latencies are those of images.
"""
