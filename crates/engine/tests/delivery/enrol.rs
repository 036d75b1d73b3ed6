//! Enrolment of agents.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_enrols_again_with_the_same_secret_is_told_of_the_same_agent() {
    let plane = Plane::start().await;
    let engine = &plane.engine;
    let made = engine.make_enrolment(&Bounds::default(), "a test").await;
    let enrol = Enrol {
        token: made.unwrap(),
        secret: plane.fresh_secret(),
        host: "a host".into(),
        sites: vec![host("b.example"), host("a.example")],
    };
    let other = Enrol {
        secret: plane.fresh_secret(),
        ..enrol.clone()
    };
    // At once, as where a connection broke, and later, as where the host ended.
    let (one, two) = tokio::join!(engine.enrol_agent(&enrol), engine.enrol_agent(&enrol));
    let (one, two) = (one.unwrap(), two.unwrap());
    let three = engine.enrol_agent(&enrol).await.unwrap();
    assert_eq!((one.agent, one.agent), (two.agent, three.agent));
    assert_eq!(three.sites.len(), 2);
    let agents = engine.store().agents().await.unwrap();
    assert_eq!(agents.len(), 1);
    let is_refused = async |enrol: &Enrol| {
        let came = engine.enrol_agent(enrol).await;
        came.is_err_and(|e| e.to_string().contains("unknown, used or expired"))
    };
    assert!(is_refused(&other).await, "a stolen token is of no use");
    // What it holds in its own name it may use, until it is withdrawn.
    let holder = engine.holder(&enrol.secret).await.unwrap().unwrap();
    assert_eq!(engine.agent_of_holder(holder.id), Some(one.agent));
    plane.agent("a.example").await;
    let left = engine.enrol_agent(&enrol).await.unwrap().sites;
    assert_eq!(left.len(), 1, "the other one was moved");
    engine.withdraw_token(holder.id, "a test").await.unwrap();
    assert!(is_refused(&enrol).await);
    for short in ["", "lmp_1", "a".repeat(60).as_str()] {
        let weak = Enrol {
            secret: short.into(),
            ..enrol.clone()
        };
        let refused = engine.enrol_agent(&weak).await.unwrap_err().to_string();
        assert!(refused.contains("drawn by chance"), "{short}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_enrols_an_agent_of_the_sites_that_it_names() {
    let plane = Plane::start().await;
    let engine = &plane.engine;
    let owner = plane.agent("a.example").await;
    let bounds = |product: Option<&str>, sites: &[&str]| Bounds {
        product: product.map(|name| ProductName::parse(name).unwrap()),
        sites: sites.iter().map(|site| host(site)).collect(),
    };
    let enrol = async |token: &str, sites: &[&str]| {
        let enrol = Enrol {
            token: token.into(),
            secret: plane.fresh_secret(),
            host: "a host".into(),
            sites: sites.iter().map(|site| host(site)).collect(),
        };
        engine.enrol_agent(&enrol).await
    };
    for (bounds, wrong, right) in [
        (
            bounds(None, &["b.example"]),
            &["b.example", "a.example"][..],
            "b.example",
        ),
        (bounds(Some("other"), &[]), &["a.example"], "c.example"),
    ] {
        let token = engine.make_enrolment(&bounds, "a test").await.unwrap();
        let refused = enrol(&token, wrong).await.unwrap_err().to_string();
        assert!(refused.contains("no agent of a.example"), "{refused}");
        let site = engine.fleet().site_at(&host("a.example")).unwrap();
        assert_eq!(engine.agent_of_site(site.id), Some(owner), "as it was");
        enrol(&token, &[right]).await.unwrap();
    }
    let unknown = enrol("another", &["nowhere.example"]).await.unwrap_err();
    let unknown = unknown.to_string();
    assert!(
        unknown.contains("token"),
        "who has no token learns nothing of the fleet: {unknown}"
    );
    for wrong in [
        bounds(None, &["nowhere.example"]),
        bounds(Some("nothing"), &[]),
        bounds(Some("other"), &["a.example"]),
    ] {
        assert!(
            engine.make_enrolment(&wrong, "a test").await.is_err(),
            "{wrong}"
        );
    }
}
