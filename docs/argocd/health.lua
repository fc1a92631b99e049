-- Written by `make generate` from operator/speaker_operator/reasons.py.
-- The health of a TTSService or Voice for Argo CD. It looks at generations, and at the status and
-- the reason of the condition Ready; messages are only handed on.
local passing = {Pending = true, Downloading = true, Starting = true, RollingOut = true, Preparing = true, Syncing = true, NotLeading = true}
local at_rest = {Suspended = true, ScaledToZero = true, NoRoutes = true, NotSelected = true}

local health = {status = "Progressing", message = "The operator has not seen it yet"}
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    health.message = condition.message
    if condition.status == "True" then
      health.status = "Healthy"
    elseif at_rest[condition.reason] then
      health.status = "Suspended"
    elseif not passing[condition.reason] then
      health.status = "Degraded"
    end
  end
end
return health
