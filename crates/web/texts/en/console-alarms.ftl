### Alarms: what the statistics said, where, and what explains it.

alarms-lead = Of the last 90 days, newest first. Each says how rare a false one is.
alarms-none = None was raised.
alarms-caption = Alarms, newest first
alarm-raised = Raised
alarm-seen = What was seen
alarm-where = Where
alarm-explained = Best explained by
alarm-began = Began about
alarm-false-once = False at most once in
alarm-days = { $days } days
alarm-promise = at most one false alarm in { $days } days
