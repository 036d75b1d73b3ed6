### What went wrong, and what to do next.

see-the-status = See the status of all sites
error-not-here = This page is not here
error-not-yours = This is not yours to do
error-form = This form did not arrive as it should
error-too-often = Too often
error-not-done = It was not done
error-cannot = This cannot be done
error-too-much = Too much at once
error-many-people = Many people are here at this moment. Please try again in a few seconds.
error-not-saved = It was not saved
error-disk = Our server cannot save anything at this moment. Please try again later.
error-failed = Something failed on our side
error-logged = It was logged. Please try again in a minute.
error-pdf-long = This report is too long for a PDF.
error-pdf = It was logged. The report can be read on its page.
error-mistyped = Perhaps its address was cut or mistyped.
error-no-incident = There is no such incident, or it is only for the organizations that it concerns. Perhaps its address was cut; or sign in, if your organization is one of them.
error-no-organization = There is no such organization. Look for one of its sites.
error-no-report = The report of this incident is not written yet. Its page says when it comes.
says-not-found = What you look for is not here.
says-not-allowed = Sign in again, or go back to the page and do it there.
says-form = Go back to the page, look at the form, and send it again.
says-too-often = Too much came from this address. Wait a moment and try again.
says-refused = Something is not right. Go back to the page and look at the form.
says-conflict = Something changed meanwhile. Go back to the page and try again.
says-failed = Something failed on our side. Try again in a few minutes.
