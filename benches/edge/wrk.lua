-- For wrk: requests take their cookies by turns, and an answer counts if a mark is in it so many times.
--
--   wrk -s wrk.lua URL -- COOKIES MARK TIMES
--
-- At the end it prints one JSON object.

local threads = {}

function setup(thread)
  thread:set("offset", #threads * 97)
  table.insert(threads, thread)
end

function init(args)
  local path, mark, times = args[1], args[2], tonumber(args[3])
  requests = {}
  for cookie in io.lines(path) do
    local headers = { Accept = "text/html" }
    if cookie ~= "" then headers.Cookie = cookie end
    table.insert(requests, wrk.format("GET", nil, headers))
  end
  -- Globals: `done` reads them, in another state.
  answered, wrong, why = 0, 0, ""
  local next = offset
  function request()
    next = next + 1
    return requests[next % #requests + 1]
  end
  function response(status, _, body)
    local found, from = 0, 1
    while true do
      local _, to = body:find(mark, from, true)
      if not to then break end
      found, from = found + 1, to + 1
    end
    answered = answered + 1
    if status ~= 200 or found ~= times then
      wrong = wrong + 1
      why = "status " .. status .. ", " .. found .. " marks"
    end
  end
end

function done(summary)
  local answered, wrong, why = 0, 0, ""
  for _, thread in ipairs(threads) do
    answered = answered + thread:get("answered")
    wrong = wrong + thread:get("wrong")
    if thread:get("why") ~= "" then why = thread:get("why") end
  end
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  if failed > 0 then
    why = string.format("%d connect, %d read, %d write, %d timeout", errors.connect, errors.read, errors.write, errors.timeout)
  end
  print(string.format('{"answered":%d,"lost":%d,"seconds":%.6f,"why":"%s"}', answered, wrong + failed, summary.duration / 1e6, why))
end
