-- The record of a reservation, open or remembered:
--
--   <B state> <I6 2 x when it ends or closed> <I6 reserved at, ms>
--   <I4 hour> <I3 day> <I3 week> <I2 month>   labels of the windows that it was reserved in
--   <B wide, + 2 where its request_id came again> <9 bytes secret>
--   <amounts: not wide <I3 input> <I3 output> <I4 cost>, wide <d> <d> <d>>
--   <B n> and n counters                      a byte each: 32 x scope + 0 in flight, or 6 x (metric - 1) + window
--   price, annotated price                    <B n> <B width>, n numbers of so many bytes: denominator, then nano-USD of
--                                             input, cached, output, page, second, without what is 0 at the end;
--                                             width 0: n letters of a decimal text; <B 0> alone: none, or the same
--   <B n> role, <B n> model
--   and what record.ts puts after it          a settled record keeps no counters, no prices and nothing after the model

local OPEN_CHARGE, OPEN_RELEASE, SETTLED, LATE, RELEASED = 0, 1, 2, 3, 4
local SECRET = 27

local function open_record(gives_back, ends_at, now)
  return write('<BI6I6I4I3I3I2', gives_back and OPEN_RELEASE or OPEN_CHARGE, ends_at * 2, now, labels[3], labels[4],
    labels[5], labels[6])
end

local WIDE_AT, CAME_AGAIN = 26, 2

local function has_come_again(record)
  return string.byte(record, WIDE_AT) >= CAME_AGAIN
end

-- Whoever asks again may be told of the reservation, and then has it whatever becomes of who asked first.
local function came_again(name, record)
  if string.byte(record) >= SETTLED or has_come_again(record) then return record end
  record = sub(record, 1, WIDE_AT - 1) .. string.char(string.byte(record, WIDE_AT) + CAME_AGAIN) .. sub(record, WIDE_AT + 1)
  call('SET', name, record, 'KEEPTTL')
  return record
end

local function ended_at(record)
  return read('<I6', record, 2) / 2
end
