-- Health of every kind of Shipway, by the conditions kstatus reads: Reconciling, then Stalled, then Ready.
-- Argo CD opens no library for it: nothing but the language itself may be used.

-- Nothing is wrong, and nothing goes on by itself: someone has to resume, promote or acknowledge.
local waits_for_a_person = {Suspended = true, Paused = true, AwaitingPromotion = true, NotAcknowledged = true}

local status = obj.status or {}

if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "being deleted"}
end

if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not looked at this spec yet"}
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is_true(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local function told(health, condition)
  local message = condition.reason .. ": " .. (condition.message or "")
  if is_true("Quarantined") then
    message = message .. "; Quarantined: " .. (conditions.Quarantined.message or "")
  end
  return {status = health, message = message}
end

if is_true("Reconciling") then
  local waits = waits_for_a_person[conditions.Reconciling.reason]
  return told(waits and "Suspended" or "Progressing", conditions.Reconciling)
end

if is_true("Stalled") then
  return told("Degraded", conditions.Stalled)
end

if conditions.Ready == nil then
  return {status = "Progressing", message = "the operator has not said anything yet"}
end

if waits_for_a_person[conditions.Ready.reason] then
  return told("Suspended", conditions.Ready)
end

return told(is_true("Ready") and "Healthy" or "Progressing", conditions.Ready)
