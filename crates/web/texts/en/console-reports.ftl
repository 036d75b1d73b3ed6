### What customers report, as staff read it.

reports-lead = What customers say, newest first; where a banner stands, before the others.
reports-site = Host name of a site
reports-of-one = Of one site: anytown.gov
reports-show = Show
reports-no-site = There is no site { $site }.
reports-look = Look for it in the fleet
reports-none = There are none.
report-ran = ran { $what }
report-by = by { $channel }
report-in-banner = a banner stands there
report-answer-to = Answer to { $contact }
reports-older = Older
