### What staff decide about comments.

moderation-title = Comments
moderation-lead = What customers write under incidents. Three readers who report one hold it until you have looked; so does a link of somebody new.
moderation-which = Which comments
moderation-shown = Shown
moderation-held = Waiting for you
moderation-hidden = Hidden
moderation-none = There is none.
moderation-found =
    { $votes } found it helpful; { $n ->
        [one] { $n } report
       *[other] { $n } reports
    }.
moderation-decided = { $who } decided.
moderation-may-not = Its author may not write any more.
moderation-why = Why
moderation-show = Show it
moderation-hold = Hold it
moderation-hide = Hide it
moderation-unban = Let its author write again
moderation-ban = Ban its author
moderation-older = Older
moderation-earlier = an earlier incident
