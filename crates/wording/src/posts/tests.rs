//! What is said where no person writes, sentence by sentence.

use domain::id::UpdateId;

use super::*;

#[test]
fn pages_are_in_the_language_of_the_team_and_on_its_clock() {
    let zone = Zone::parse("America/Chicago").unwrap();
    let team = |language| Team {
        language,
        zone: &zone,
    };
    let at = "2023-07-11T23:27:00Z".parse().unwrap();
    let promise = |kind| Promise {
        kind,
        due_at: at,
        made_by: UpdateId::from_bytes(&[1; 16]).unwrap(),
        made_at: at,
        calendar: "default".into(),
        within: None,
        kept_at: None,
    };
    let (update, report) = (
        promise(PromiseKind::NextUpdate),
        promise(PromiseKind::Report),
    );
    let (english, spanish) = (team(Language::English), team(Language::Spanish));
    for (page, says) in [
        (
            english.page_promise("Sign-in", &update, 0),
            "Sign-in: an update is promised by 2023-07-11T23:27:00Z",
        ),
        (
            english.page_promise("Sign-in", &report, 1),
            "Sign-in: the incident report was promised by 2023-07-11T23:27:00Z and is overdue",
        ),
        (
            english.page_promise("Sign-in", &report, 7),
            "Sign-in: the incident report was promised by 2023-07-11T23:27:00Z, is overdue, and nobody has answered",
        ),
        (
            spanish.page_promise("Acceso", &update, 0),
            "Acceso: se prometió una actualización a más tardar el 11 de julio de 2023 a las 6:27 p.\u{a0}m. CDT",
        ),
        (
            spanish.page_promise("Acceso", &report, 2),
            "Acceso: se prometió el informe del incidente a más tardar el 11 de julio de 2023 a las 6:27 p.\u{a0}m. \
            CDT, el plazo venció y nadie ha respondido",
        ),
        (
            spanish.page_not_posted("Acceso", ("Ada", at), "Terminó."),
            "Acceso: la actualización que Ada escribió para el 11 de julio de 2023 a las 6:27 p.\u{a0}m. CDT no se \
            publicó: Terminó.",
        ),
    ] {
        assert_eq!(page, says);
    }
}

#[test]
fn a_campaign_says_why_it_stopped() {
    let halt = |failed, settled| Halt {
        failed,
        settled,
        wave: "canaries",
        what: "release 5.2.0",
        tolerated: 2.5,
        last: "agent: 502",
    };
    let (english, spanish) = (words(Language::English), words(Language::Spanish));
    assert_eq!(
        english.halted_because(halt(1, 12)),
        "1 of 12 sites failed in wave canaries (release 5.2.0), tolerated are 2.5 %; the last said: agent: 502"
    );
    assert_eq!(
        spanish.halted_because(Halt {
            what: &spanish.release("5.2.0"),
            ..halt(1, 12)
        }),
        "falló 1 de 12 sitios en la oleada de prueba (versión 5.2.0), se tolera el 2.5 %; lo último que se obtuvo: \
        agent: 502"
    );
    let many = spanish.halted_because(halt(3, 12));
    assert!(many.starts_with("fallaron 3 de 12 sitios en"), "{many}");
}

#[test]
fn a_title_that_nobody_gave_is_known_in_every_language() {
    let all = Scope::default();
    for language in Language::ALL {
        let title = words(language).title_of(&all);
        assert!(Words::is_title_of(&title, &all), "{title}");
    }
    assert!(!Words::is_title_of("Sign-in", &all));
}
