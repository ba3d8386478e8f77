-- wrk's script: POST a new seed in each request; print one line of JSON at the end.
-- Arguments: the body, in which SEED stands for the seed.

local headers = { ["Content-Type"] = "application/json" }
local before, after
local seed = 0

function init(arguments)
  local from, to = arguments[1]:find("SEED", 1, true)
  before, after = arguments[1]:sub(1, from - 1), arguments[1]:sub(to + 1)
end

function request()
  seed = seed + 1
  return wrk.format("POST", nil, headers, before .. seed .. after)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers": %d, "bad_status": %d, "broken": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
