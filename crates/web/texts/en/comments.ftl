### Comments.

comments-on = { $comments } on
we-say-there = What we say ourselves stands there.
cannot-write = You cannot write here
your-name = Your name
name-hint = Readers see it, and not your address.
comment = Comment
affected-ask = Is your site affected? Then
report-it = report it
instead = instead: we see that at once.
post-the-comment = Post the comment
signed-in-as = Signed in as { $who }
sign-out = Sign out
sign-in-to-comment = Sign in to comment
nobody-yet = Nobody has written yet.
helpful = Helpful
what-who-wrote = what { $who } wrote
report = Report
older-comments = Older comments
helpful-to =
    { $n ->
        [one] { $n } person finds this helpful.
       *[other] { $n } people find this helpful.
    }
thanks-shown = Thank you. Your comment stands here now.
thanks-held = Thank you. Our staff look at comments with links before they are shown.
thanks-reported = Thank you. Our staff look at what is reported.
comment-refused = It was not taken: the name or the comment is missing, too long, or was written already.
sign-in-not-begun = This sign-in did not begin in this browser, or it took too long.
