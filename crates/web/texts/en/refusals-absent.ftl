### Refusals: what is not there.

no-banner = there is no banner { $name }
no-calendar = there is no calendar { $name }
no-campaign = there is no campaign { $name }
no-comment = there is no comment { $name }
no-drill = there is no drill { $name }
no-follow-up = there is no follow-up { $name }
no-follower = there is no follower { $name }
no-incident = there is no incident { $name }
no-organization = there is no organization { $name }
no-organization-named = there is no organization of that name
no-page = there is no page { $name }
no-product = there is no product { $name }
no-release = there is no release { $name }
no-staged-release = there is no staged or live release { $name }
no-staged-release-yet = there is no staged or live release { $name }; stage it first
no-site-of-product = there is no site of this product { $name }
no-template-of-own = there is no template of your own { $name }
no-token = there is no token in use { $name }
no-update = there is no update { $name }
no-update-waiting = there is no update that waits { $name }
no-version-of-report = there is no version of this report { $name }
no-notification = there is no notification that was given up, { $name }
no-path = the path names nothing here: { $problem }
no-document = there is no document { $name }
no-version-of-document = there is no version { $name }
no-group = there is no group { $name }
