### The form for a problem.

please-look-again = Please look again
what-is-wrong = What is wrong?
no-need-to-sign-in = You need not be signed in. It reaches our support at once.
address-hint = Its address, such as anytown.gov.
similar-sites = Sites with a similar name
send-it-for = Send it for { $site }
what-do-you-see = What do you see?
text-hint = What you tried, and the words of the error if there are any. Please no passwords.
where-to-answer = Where can we answer?
optional = (optional)
contact-hint = An e-mail address or a telephone number.
send-the-report = Send the report
thanks-heading = Thank you. We have your report.
thanks-lead = We are looking at { $site }. Its own page says what we find and when it is fixed.
thanks-lead-answered = We are looking at { $site }. Its own page says what we find and when it is fixed, and we answer you.
your-report-is = Should you call us, your report is { $id }.
see-how-it-is = See how { $site } is
thank-you = Thank you
name-your-site = Please name your site: the address that you type to reach it.
no-address = This is not the address of a site. It looks like anytown.gov.
one-of-those = We do not know this site. Perhaps it is one of those below.
text-refused = What you see is missing, too long, or holds signs that are no text.
contact-refused = The address or number is too long, or not on one line.
