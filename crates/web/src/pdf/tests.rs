//! Documents as a reader of PDF finds them, and pages as they were laid out.

use lopdf::{Dictionary, Document, Object};
use proptest::prelude::*;

use super::fonts::Fonts;
use super::layout::{BOTTOM, lay_out};
use super::sheet::{Laid, MARGIN, WIDTH};
use super::*;

const REPORT: &str = "# Incident Report: Sign-in fails\n\nTimes are those of America/Denver.\n\n\
    ## Impact\n\nSign-in **failed** on *3,405* sites.[^1] See [the page](/incidents/1) and `config 41`.\n\n\
    > **To be written by a person:** the cause.\n\n1. One\n2. Two\n   - deeper\n\n\
    |Zone|Sites|\n|-|-|\n|Denver|12|\n|Boise|7|\n\n```\nkey = 1\n```\n\n---\n\nEnd: 漢 → done.\n\n\
    [^1]: Record 7: the alarm rang.\n";

fn about(title: &str) -> About {
    About {
        title: title.into(),
        author: "Ada".into(),
        created_at: Timestamp::UNIX_EPOCH,
        byline: "Posted by Ada, July 12, 2023.".into(),
        base_url: "https://status.example".into(),
        language: Language::English,
        wrote: None,
    }
}

fn read(markdown: &str) -> Document {
    let pdf = document(markdown, &about("Incident report: Sign-in fails")).unwrap();
    Document::load_mem(&pdf).unwrap()
}

fn laid(markdown: &str) -> Laid {
    let fonts = Fonts::carried().unwrap();
    let text = blocks::read(markdown, ("https://status.example", Language::English));
    let mut laid = lay_out(fonts, &text, ("Posted by Ada.", "Records")).unwrap();
    let title = "A title ".repeat(40);
    foot::number(fonts, &mut laid, (&title, Language::English));
    laid
}

/// What stands on the pages, and what is behind it, lies between the margins.
#[track_caller]
fn assert_between_margins(laid: &Laid) {
    let rounding = 0.05;
    for sheet in &laid.sheets {
        for mark in &sheet.marks {
            assert!(mark.left >= MARGIN - rounding, "{mark:?}");
            assert!(mark.right() <= WIDTH - MARGIN + rounding, "{mark:?}");
            let lowest = if mark.leaf.is_some() { BOTTOM } else { 760.0 };
            assert!(mark.baseline > MARGIN && mark.baseline < lowest, "{mark:?}");
        }
        for shape in &sheet.shapes {
            assert!(shape.left >= MARGIN - rounding, "{shape:?}");
            assert!(shape.right <= WIDTH - MARGIN + rounding, "{shape:?}");
        }
    }
}

fn said(laid: &Laid) -> String {
    let marks = laid.sheets.iter().flat_map(|sheet| &sheet.marks);
    let marks = marks.filter(|mark| mark.leaf.is_some());
    marks.map(|mark| mark.run.text.as_str()).collect()
}

#[test]
fn a_long_text_fills_several_pages() {
    let laid = laid(&"A sentence that goes on and on.\n\n".repeat(300));
    assert!(
        (8..16).contains(&laid.sheets.len()),
        "{}",
        laid.sheets.len()
    );
    assert_between_margins(&laid);
}

#[test]
fn nothing_stands_beyond_the_margins() {
    let word = "W".repeat(900);
    let cells = "|word word|".to_owned() + &word + "|\n";
    for markdown in [
        REPORT.to_owned(),
        format!("# {word}\n\n{word}\n\n> {word}\n\n```\n{word}\n```\n\n`{word}` **{word}**"),
        format!("- {}\n{}x", "- ".repeat(40), "> ".repeat(40)),
        format!("|A|{word}|\n|-|-|\n{}", cells.repeat(60)),
        format!(
            "|{}\n|{}\n|{}\n",
            "a|".repeat(30),
            "-|".repeat(30),
            "b|".repeat(30)
        ),
        format!("999999998. {word}\n999999999. b"),
        format!("[{word}](https://x.example/{word})"),
    ] {
        assert_between_margins(&laid(&markdown));
    }
}

#[test]
fn long_words_are_cut_and_lose_nothing() {
    let word: String = ('a'..='z').cycle().take(700).collect();
    assert!(said(&laid(&word)).contains(&word));
}

#[test]
fn a_heading_stays_with_what_it_is_the_heading_of() {
    for lines in 30..60 {
        let before = "Line.\n\n".repeat(lines);
        let laid = laid(&format!(
            "{before}## Head\n\n{}",
            "Words of a paragraph. ".repeat(40)
        ));
        for sheet in &laid.sheets {
            let marks: Vec<_> = sheet.marks.iter().filter(|m| m.leaf.is_some()).collect();
            let head = marks.iter().position(|mark| mark.run.text == "Head");
            assert!(head.is_none_or(|at| marks.len() > at + 2), "{lines}");
        }
    }
}

#[test]
fn a_table_repeats_its_head_on_every_page() {
    let laid = laid(&format!(
        "|Zone|Sites|\n|-|-|\n{}",
        "|Denver|12|\n".repeat(120)
    ));
    assert!(laid.sheets.len() > 2);
    for sheet in &laid.sheets {
        assert!(sheet.marks.iter().any(|mark| mark.run.text == "Zone"));
    }
    // It is said once.
    assert_eq!(said(&laid).matches("Zone").count(), 1);
}

#[test]
fn work_is_bounded() {
    let endless = "# a\n".repeat(30_000);
    let refused = document(&endless, &about("x")).unwrap_err();
    assert!(matches!(refused, PdfError::TooLong), "{refused}");
    let long = "a ".repeat(MARKDOWN_BYTES_MAX);
    assert!(matches!(
        document(&long, &about("x")),
        Err(PdfError::TooLong)
    ));
}

#[test]
fn a_reader_finds_the_text_the_title_and_the_language() {
    let pdf = read(REPORT);
    let pages: Vec<u32> = pdf.get_pages().into_keys().collect();
    assert_eq!(pages, [1]);
    let catalog = pdf.catalog().unwrap();
    assert_eq!(catalog.get(b"Lang").unwrap().as_str().unwrap(), b"en-US");
    let marked = catalog.get(b"MarkInfo").unwrap().as_dict().unwrap();
    assert!(marked.get(b"Marked").unwrap().as_bool().unwrap());
    let info = pdf.trailer.get(b"Info").unwrap().as_reference().unwrap();
    let info = pdf.get_dictionary(info).unwrap();
    let title = lopdf::decode_text_string(info.get(b"Title").unwrap()).unwrap();
    assert_eq!(title, "Incident report: Sign-in fails");
    let text = pdf.extract_text(&pages).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Incident Report: Sign-in fails",
        "Posted by Ada, July 12, 2023.",
        "To be written by a person:",
        "Denver",
        "key = 1",
        "the alarm rang",
        "Page 1 of 1",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// The kinds of the structure's elements, in reading order.
fn kinds(pdf: &Document, node: &Dictionary, out: &mut Vec<String>) {
    if let Ok(kind) = node.get(b"S").and_then(Object::as_name) {
        out.push(String::from_utf8_lossy(kind).into_owned());
    }
    let children = node.get(b"K").map(|children| pdf.dereference(children));
    let Ok(Ok((_, children))) = children else {
        return;
    };
    let one = [children.clone()];
    for child in children.as_array().map_or(&one[..], Vec::as_slice) {
        if let Ok((_, Object::Dictionary(child))) = pdf.dereference(child) {
            kinds(pdf, child, out);
        }
    }
}

/// The languages that the structure's elements say, with their kinds, in reading order.
fn languages(pdf: &Document, node: &Dictionary, out: &mut Vec<(String, String)>) {
    let kind = node.get(b"S").and_then(Object::as_name);
    let language = node.get(b"Lang").and_then(Object::as_str);
    if let (Ok(kind), Ok(language)) = (kind, language) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        out.push((text(kind), text(language)));
    }
    let children = node.get(b"K").map(|children| pdf.dereference(children));
    let Ok(Ok((_, children))) = children else {
        return;
    };
    let one = [children.clone()];
    for child in children.as_array().map_or(&one[..], Vec::as_slice) {
        if let Ok((_, Object::Dictionary(child))) = pdf.dereference(child) {
            languages(pdf, child, out);
        }
    }
}

#[test]
fn a_reader_of_spanish_hears_ours_in_spanish_and_theirs_in_english() {
    let about = About {
        title: "Informe del incidente: Sign-in fails".into(),
        byline: "Publicado por Ada.".into(),
        language: Language::Spanish,
        wrote: Some(Language::English),
        ..about("")
    };
    let pdf = document(REPORT, &about).unwrap();
    let pdf = Document::load_mem(&pdf).unwrap();
    let catalog = pdf.catalog().unwrap();
    assert_eq!(catalog.get(b"Lang").unwrap().as_str().unwrap(), b"es-US");
    let text = pdf.extract_text(&[1]).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "Informe del incidente: Sign-in fails",
        "Las horas son las de America/Denver.",
        "Alcance",
        "Registros",
        "Página 1 de 1",
        "Sign-in failed on 3,405 sites.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let root = catalog.get(b"StructTreeRoot").unwrap();
    let root = pdf.get_dictionary(root.as_reference().unwrap()).unwrap();
    let mut all = vec![];
    languages(&pdf, root, &mut all);
    let said: Vec<_> = all.iter().map(|(kind, tag)| (&**kind, &**tag)).collect();
    let begins = [
        ("H1", "en-US"),
        ("Span", "es-US"),
        ("P", "es-US"),
        ("P", "en-US"),
        ("Span", "es-US"),
        ("H2", "en-US"),
        ("Span", "es-US"),
        ("P", "en-US"),
    ];
    let found: Vec<_> = said
        .iter()
        .filter(|(kind, _)| *kind != "Document")
        .collect();
    assert_eq!(
        found[..begins.len()]
            .iter()
            .map(|one| **one)
            .collect::<Vec<_>>(),
        begins,
        "{said:?}"
    );
    assert!(said.contains(&("H2", "es-US")), "{said:?}");
}

#[test]
fn every_part_is_tagged() {
    let pdf = read(REPORT);
    let root = pdf.catalog().unwrap().get(b"StructTreeRoot").unwrap();
    let root = pdf.get_dictionary(root.as_reference().unwrap()).unwrap();
    let mut all = vec![];
    kinds(&pdf, root, &mut all);
    for kind in [
        "Document",
        "H1",
        "H2",
        "P",
        "Link",
        "Code",
        "Reference",
        "BlockQuote",
        "L",
        "LI",
        "Lbl",
        "LBody",
        "Table",
        "THead",
        "TBody",
        "TR",
        "TH",
        "TD",
    ] {
        assert!(all.iter().any(|known| known == kind), "{kind}: {all:?}");
    }
    assert_eq!(all.iter().filter(|kind| *kind == "TD").count(), 4);
}

#[test]
fn the_same_report_is_the_same_file() {
    let draw = || document(REPORT, &about("x")).unwrap();
    assert_eq!(draw(), draw());
}

/// Text that looks like Markdown more often than chance would have it.
fn markdown() -> impl Strategy<Value = String> {
    let mark = prop_oneof![
        "\\PC{0,12}",
        "[a-z ]{0,40}",
        "[\u{0}-\u{20}\u{7f}-\u{a0}\u{ad}\u{200b}-\u{200f}\u{feff}\u{fffe}\u{e000}\u{10ffff}]{0,4}",
        prop::sample::select(vec![
            "\n",
            "\n\n",
            "# ",
            "### ",
            "> ",
            "- ",
            "1. ",
            "    ",
            "|",
            "|a|b|\n|-|-|\n|",
            "`",
            "```\n",
            "**",
            "*",
            "[^1]",
            "\n[^1]: ",
            "[a](/b)",
            "<b>",
            "---\n",
            "![x](y)",
            "\\\n",
            "e\u{301}",
            "\u{301}",
            "👩‍👩‍👧",
            "→",
            "שלום",
            "ﷺ",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(mark, 0..60).prop_map(|marks| marks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_written_can_be_drawn(markdown in markdown(), title in "\\PC{0,60}") {
        let pdf = document(&markdown, &about(&format!("Incident report: {title}")));
        prop_assert!(pdf.is_ok(), "{:?}", pdf.err());
        assert_between_margins(&laid(&markdown));
    }
}

#[test]
fn a_table_that_grows_by_repeating_its_head_is_refused_before_it_is_laid_out() {
    let wide = format!("{}\n{}\n", "|a".repeat(1_500), "|-".repeat(1_500));
    // Short lines under a long head are few words.
    let thin = format!("{wide}{}", "|a\n".repeat(20));
    assert!(said(&laid(&thin)).contains('a'));
    let title = "x".repeat(9_000);
    let heavy = format!(
        "|{title}|{}\n|-|{}\n{}",
        "b|".repeat(40),
        "-|".repeat(40),
        "|a\n".repeat(2_000)
    );
    let refused = document(&heavy, &about("x"));
    assert!(matches!(refused, Err(PdfError::TooLong)), "{refused:?}");
}

#[test]
fn noncharacters_are_drawn_as_replaced() {
    let pdf = document(
        "Before \u{ffff} and \u{fffe} and &#xffff; after.",
        &about("x"),
    );
    pdf.unwrap();
}
