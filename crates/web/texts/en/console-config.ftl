### The documents that configure shared services.

config-title = Config
config-lead =
    Signed set { $version }, held by { $n ->
        [one] { $n } agent
       *[other] { $n } agents
    }. A site is only ever given what accepts the code it runs.
config-none = Nothing is published yet. Publish the first document with
config-documents = Documents
config-document = Document
config-newest = Newest
config-accepts = Accepts
config-lane = Lane
config-kept = Versions kept
config-bytes = Bytes
config-lane-first = first
config-lane-other = other
config-shown = Version { $version }, for code { $accepts }.
config-not-published = Not published.
config-who = Who is given which
config-no-site = No site runs this product yet.
config-code = Code { $release }
config-no-version = none
config-version-of = version { $version }
config-versions = Versions
config-versions-caption = Versions, newest first
config-version = Version
config-next = The next version
config-honour = Code that can honour it
config-honour-hint = Such as ^5, or >=5.1, <6. A live or staged release left without a version is refused.
config-settings = Settings, as JSON
config-publish = Publish it
config-no-document = There is no such document, or no such version of it.
config-accepts-rule = which releases it accepts is written such as ^5 or >=5.1, <6: { $problem }
