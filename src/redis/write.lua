-- Writes the counts of one activity, if they are newer than what is there.
-- KEYS: its hash. ARGV: 1 to write them whatever is there; epoch, seq, capacity, confirmed, offered, waitlisted, available.

-- What is no hash is no mirror of anything, and makes way.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('DEL', KEYS[1])
end

local force, epoch, seq = ARGV[1] == '1', tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
local held_epoch, held_seq = tonumber(held[1] or ''), tonumber(held[2] or '')
local newer = not held_epoch or not held_seq
  or epoch > held_epoch
  or (epoch == held_epoch and seq > held_seq)

if force or newer then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'seq', ARGV[3], 'capacity', ARGV[4],
    'confirmed', ARGV[5], 'offered', ARGV[6], 'waitlisted', ARGV[7], 'available', ARGV[8])
end
