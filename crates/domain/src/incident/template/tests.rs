//! Templates: what fills a gap, and what does not.

use serde_json::json;

use super::*;
use crate::calendar::Unit;
use crate::site::Zone;

/// Fills a built-in template from a JSON object; gives the body, or what is wrong.
fn check(name: &str, values: serde_json::Value, expected: Result<&str, &str>) {
    let templates = Template::built_in("Our engineers");
    let template = templates
        .iter()
        .find(|template| template.name == name)
        .unwrap();
    let values = serde_json::from_value(values).unwrap();
    let chicago = Zone::parse("America/Chicago").unwrap();
    let filled = template.fill(&values, Language::English);
    let found = filled
        .map(|filled| read_in(&chicago, &filled.body))
        .map_err(|bad| bad.to_string());
    assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
}

#[test]
fn built_in_templates_are_sound() {
    for template in Template::built_in("Our engineers") {
        template.check().unwrap();
    }
}

#[test]
fn a_template_reads_like_the_posts_of_july_11() {
    check(
        "No Change Update",
        json!({}),
        Ok(
            "Our engineers continue to work on resolving this issue as quickly as possible. An update will \
            be added to this post when it is available.",
        ),
    );
    check(
        "Timeline Identified",
        json!({"team": "Example Systems Engineers", "estimate": "4 business hours"}),
        Ok(
            "Example Systems Engineers have identified the issue and expect to have a resolution deployed \
            within 4 business hours.",
        ),
    );
    check(
        "Timeline Identified",
        json!({"estimate": "2023-07-13T23:27:00Z"}),
        Ok(
            "Our engineers have identified the issue and expect to have a resolution deployed by July 13, \
            2023 at 6:27pm CDT.",
        ),
    );
    check(
        "Fix Implemented",
        json!({"products": ["web-central"], "report_within": {"amount": 2, "unit": "business_days"}}),
        Ok(
            "Our engineers have applied a fix and have restored service to your Web Central site. An incident \
            report will be posted here within 2 business days.",
        ),
    );
}

#[test]
fn wrong_values_are_named_all_at_once() {
    check(
        "Fix Implemented",
        json!({"report_within": "soon", "customer": "x", "products": []}),
        Err(
            "\"customer\" is not in this template; it has team, products, report_within; \
            \"products\" must be a list of at least one product, such as [\"web-central\"], not []; \
            \"report_within\" must be a length such as \"24 business hours\" or \"2 business days\", not \"soon\"",
        ),
    );
    let template = Template {
        placeholders: vec![Placeholder::required("page", Kind::Text)],
        text: "See {page}.".into(),
        promise: None,
        ..Template::built_in("us").remove(0)
    };
    let open = template
        .fill(&BTreeMap::new(), Language::English)
        .unwrap_err();
    assert_eq!(
        open.to_string(),
        "\"page\" is required: give 1 to 500 characters of text on one line"
    );
}

#[test]
fn a_promise_is_what_the_text_says() {
    let fix = Template::built_in("us").remove(2);
    let filled = fix.fill(&BTreeMap::new(), Language::English).unwrap();
    assert!(filled.body.ends_with("within 24 business hours."));
    assert_eq!(filled.promise, Some((PromiseKind::Report, Length::REPORT)));
    let quiet = Template::built_in("us")
        .remove(0)
        .fill(&BTreeMap::new(), Language::English)
        .unwrap();
    assert_eq!(quiet.promise, None);
}

#[test]
fn a_calendar_goes_with_the_promise_that_it_counts() {
    let mut soon = Template::built_in("us").remove(0);
    soon.placeholders[1].calendar = Some("Texas".into());
    let soon = soon.check().unwrap();
    let filled = |values| {
        let values = serde_json::from_value(values).unwrap();
        soon.fill(&values, Language::English).unwrap()
    };
    let promised = filled(json!({"next_update": "4 business hours"}));
    assert_eq!(promised.calendar.as_deref(), Some("Texas"));
    assert_eq!(filled(json!({})).calendar, None, "nothing is promised");
}

#[test]
fn a_broken_template_is_refused() {
    let with = |text: &str| {
        Template {
            text: text.into(),
            ..Template::built_in("us").remove(1)
        }
        .check()
    };
    for (text, says) in [
        ("{team {estimate", "unclosed \"{\""),
        ("{team} {estimate} [[x", "unclosed \"[[\""),
        (
            "{team} {estimate} {who}",
            "uses the gap \"who\" without describing it",
        ),
        ("{team}", "describes the gap \"estimate\" without using it"),
    ] {
        assert!(with(text).unwrap_err().to_string().contains(says), "{text}");
    }
}

#[test]
fn what_fills_a_gap_is_in_the_language_of_the_team() {
    let length = |amount, unit| Length::new(amount, unit).unwrap();
    let hours = length(24, Unit::BusinessHours);
    let moment = "2023-07-11T23:27:00Z".parse().unwrap();
    let names = ["a.gov", "b.gov"].map(|name| name.parse().unwrap());
    for (value, says) in [
        (Value::Duration(hours), "24 horas hábiles"),
        (
            Value::Duration(length(1, Unit::BusinessDays)),
            "1 día hábil",
        ),
        (Value::Within(hours), "en un plazo de 24 horas hábiles"),
        (
            Value::By(moment),
            "a más tardar el <time:2023-07-11T23:27:00Z>",
        ),
        (Value::SiteList(names.to_vec()), "a.gov y b.gov"),
        (
            Value::ProductList(vec!["web-central".parse().unwrap()]),
            "sitio Web Central",
        ),
    ] {
        assert_eq!(value.render(Language::Spanish), says);
    }
}
