### Following incidents.

follow-incidents = Follow incidents
follow-lead = Each update, when it is posted.
your-e-mail = Your e-mail address
e-mail-hint = We ask there first. We use it for nothing else, and forget it when you stop.
what-to-follow = What to follow
every-incident = Every incident
one-site = One site
all-sites-of-customer = All sites of the customer that has this site
the-site = The site
unless-every = (unless it is every incident)
follow-by-e-mail = Follow by e-mail
no-e-mail-yet = We send no e-mail from here yet. The feeds tell you the same.
without-e-mail = Without e-mail
feed-reader = Give a feed reader this address:
look-into-mailbox = Look into your mailbox
asked-lead = If this address does not follow yet, it gets a mail with a link. Say yes there, within a week.
back-to-status = Back to the status
what-you-follow = What you follow
do-you-want-to-follow = Do you want to follow?
follows-since = { $address } follows { $about } since
asked-to-follow = { $address } was asked to follow { $about }.
yes-follow = Yes, follow
stop = Stop
no = No
you-follow-no-more = You follow this no more
address-forgotten = The address is forgotten.
follow-something-else = Follow something else
site-gone = a site that is gone
customer-gone = a customer that is gone
all-sites-of = all sites of { $name }
the-product = the product { $name }
every-incident-lower = every incident
incidents-of-them = incidents of { $names }
look-it-up = We do not know this site. Look it up under “Your site”.
e-mail-refused = This is no e-mail address; it looks like name@anytown.gov.
you-do-not-follow = You do not follow this
no-longer-follow = You no longer follow what this link was for, or the link was cut. We keep no address of those who stopped.
follow-something = Follow something
page-follow = Follow

### Mails to followers.

mail-looking = We are looking into it. It is about { $scope }.
mail-planned = It is planned for { $scope }: { $when }.
mail-all-updates = All updates
mail-you-follow = You follow { $about }. Stop: { $url }
mail-because = { $team } tell you this because you follow { $about }.
mail-stop = Stop following
mail-ask = Do you want to follow incidents?
mail-somebody = Somebody, probably you, asked { $team } to be told by e-mail about { $about }.
mail-say-yes = Say yes here
mail-not-you = If it was not you, do nothing: you get no mail, and the address is forgotten after a week.
scope-all = all sites
scope-products = { $names } sites
scope-zones = { $sites } in { $names }
scope-releases = { $sites } running { $names }
