### The provider's own pages: the form, and what went wrong.

sign-in = Sign in
sign-in-to = Sign in to { $site }
to-site = to { $site }
e-mail = E-mail
password = Password
keep-signed-in = Keep me signed in on this device
in-another-language = In another language
wrong = That e-mail address and password do not match.
locked = There were too many attempts for this address. Please try again in 30 minutes.
not-begun-title = Nothing to sign in to
not-begun = Please open the site that you want to sign in to, and sign in from there.
again-title = Please sign in again from the site
strange-form = This form was not filled in on our page in this browser.
late-form = The form was open for too long.
unknown-site-title = Unknown site
no-site-named = The request names no site (client_id).
unknown-site = The site { $site } is not known here, so we cannot sign you in to it.
wrong-return-title = Wrong return address
wrong-return = The site asked to send you to an address (redirect_uri) that is not its own. Nothing was sent there. Please tell the site’s administrators.
busy-title = Please try again
busy = Very many people are signing in. Please try again in a few seconds.
failed-title = That did not work
failed = Something failed on our side, and was logged. Please try again.
