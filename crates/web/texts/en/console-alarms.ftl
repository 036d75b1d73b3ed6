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
alarm-reports =
    { $n ->
        [one] { $n } site reported
       *[other] { $n } sites reported
    }
alarm-failures = { $n } sign-ins failed
alarm-silence = only { $n } sign-ins came
alarm-within-minute = a minute
alarm-within = { $n } minutes
alarm-usual-none = next to none is usual
alarm-usual-most = at most { $expected } are usual
alarm-usual-least = at least { $expected } are usual
alarm-words = { $what } within { $within }, where { $usual }
alarm-sentence = { $words } ({ $where }). Best explained by { $explained }.
node-fleet = the whole fleet
node-product = product { $product }
node-zone = sites in { $zone }
node-product-zone = product { $product } in { $zone }
node-term = reports of { $term }
term-sign-in = signing in
term-error = errors
term-loading = pages that do not load
term-payment = payments
explained-nothing = nothing in particular
explained-ties = { $first } (or as well by { $rest })
explained-product = product { $list }
explained-release = release { $list }
explained-zone = zone { $list }
explained-code = error code { $list }
