### What is still to be done after incidents.

follow-ups-left =
    { $n ->
        [one] { $n } follow-up
       *[other] { $n } follow-ups
    } still to be done after incidents
follow-ups-overdue = { $n } overdue
follow-ups-order = , the soonest first.
follow-ups-none = Nothing is to be done. Follow-ups are added on the page of their incident.
follow-up-overdue-since = overdue since { $day }
follow-up-is-done = It is done
follow-up-not-done = It will not be done
follow-up-why-not = Why not
follow-up-drop = Drop it
