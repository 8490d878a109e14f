//! Tests of templates: what they make of rows, what they refuse, and what they cannot be made to do.

use std::collections::{BTreeMap, HashMap};

use super::*;
use proptest::prelude::{any, proptest};

const FIELDS: [(&str, &str); 5] = [
    ("to", "1"),
    ("first_name", "Aïssatou & fils"),
    ("prénom", ""),
    ("city name", "Boké"),
    ("nickname", ""),
];

#[track_caller]
fn check(source: &str, expected: &Result<&str, RenderFault>) {
    let template = Template::new(source).unwrap();
    assert_eq!(
        template.render(FIELDS).as_deref(),
        expected.as_ref().copied()
    );
}

fn missing(fields: &[&str]) -> RenderFault {
    RenderFault::MissingFields {
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    }
}

fn failed(what: &str) -> RenderFault {
    let what = what.to_owned();
    RenderFault::Failed { what }
}

#[test]
fn fields_are_filled_in() {
    check(
        "Bonjour {{first_name}} 🎉",
        &Ok("Bonjour Aïssatou & fils 🎉"),
    );
    check("{{ first_name | upper }}!", &Ok("AÏSSATOU & FILS!"));
    check("{{ first_name[:1] }}.", &Ok("A."));
    check(
        "{{ first_name.split(' ') }}",
        &Err(failed("unknown method")),
    );
    check("{{ first_name | split(' ') | first }}", &Ok("Aïssatou"));
    check(
        "{{ first_name | split(' ') | join('-') }}",
        &Ok("Aïssatou-&-fils"),
    );
    check(
        "{{ first_name | replace('&', 'et') }}",
        &Ok("Aïssatou et fils"),
    );
    check("{{ row[\"city name\"] }}\n", &Ok("Boké"));
    check("{{ row['city' ~ ' name'] }}", &Ok("Boké"));
    check("{{ row.first_name }}", &Ok("Aïssatou & fils"));
    check("{{ prénom | default('client') }}", &Ok("client"));
    check("{{ prénom | d('a') if nickname is not defined }}", &Ok("a"));
    check("{% if prénom is defined %}x{% endif %}-", &Ok("-"));
    check(
        "{%- if to == '1' and not to is eq('2') -%} a {%- elif to is in ['3'] %}b{% else %}c{% endif %}",
        &Ok("a"),
    );
    check("{# {{ nothing }} #}{{ '}}' }}*{", &Ok("}}*{"));
    check("no field", &Ok("no field"));
}

#[test]
fn a_missing_field_is_a_fault_of_the_row() {
    check("Bonjour {{prénom}}", &Err(missing(&["prénom"])));
    check(
        "{{ prénom }} {{ nickname | default('x') }}",
        &Err(missing(&["prénom"])),
    );
    check(
        "{{ prénom }} {{ nickname }} {{ first_name }}",
        &Err(missing(&["nickname", "prénom"])),
    );
    check("{{ row.nothing }}", &Err(missing(&["nothing"])));
    check("{{ row['no thing'] }}", &Err(missing(&["no thing"])));
    check("{{ prénom[:1] }}", &Err(missing(&["prénom"])));
    check("{{ row['x' ~ 'y'] }}", &Err(failed("undefined value")));
    check(
        "{{ first_name | round }}",
        &Err(failed("invalid operation")),
    );
}

#[test]
fn rows_come_as_pairs_or_maps() {
    let template = Template::new("{{a}}").unwrap();
    let pairs = [("a".to_owned(), "1".to_owned())];
    assert_eq!(template.render(pairs.clone()).unwrap(), "1");
    assert_eq!(template.render(&HashMap::from(pairs.clone())).unwrap(), "1");
    assert_eq!(template.render(BTreeMap::from(pairs)).unwrap(), "1");
    assert_eq!(template.render([("a", "1"), ("a", "2")]).unwrap(), "2");
}

#[track_caller]
fn check_fields(source: &str, expected: &[&str]) {
    assert_eq!(Template::new(source).unwrap().fields(), expected);
}

#[test]
fn the_fields_of_a_text() {
    check_fields("Hi {{name}}, {{ town|upper }}{{ name }}", &["name", "town"]);
    check_fields(
        "{% if a is defined and b == 'c' or not d %}{{ e[:1] }}{% endif %}",
        &["a", "b", "d", "e"],
    );
    check_fields("{{ a | round(precision=b) }}", &["a", "b"]);
    check_fields(
        "{{ row['first name'] ~ row.town }}",
        &["first name", "town"],
    );
    check_fields(
        "{# {{a}} #} {b} {{ 'c' }} {{ 'it\\'s {{d}}' }} {{ true }}",
        &[],
    );
}

#[test]
fn missing_columns_are_named_beside_the_present_ones() {
    let template = Template::new("{{name}} {{town}} {{first_name}}").unwrap();
    let columns = FIELDS.map(|(name, _)| name);
    assert_eq!(
        template.check(columns).unwrap_err().to_string(),
        "the template uses name, town, which the rows do not have; they have to, first_name, \
         prénom, city name, nickname"
    );
    assert_eq!(template.check(["first_name", "name", "town"]), Ok(()));
}

#[track_caller]
fn check_refused(source: &str, sentence: &str) {
    assert_eq!(Template::new(source).unwrap_err().to_string(), sentence);
}

#[test]
fn a_template_that_cannot_be_read_is_refused() {
    for source in [
        "Bonjour {{first_name",
        "{{ }}",
        "{% if %}",
        "{{ 'a }}",
        "{# a",
        "{% if a %}",
    ] {
        let error = Template::new(source).unwrap_err();
        assert!(
            matches!(error, TemplateError::Syntax { .. }),
            "{source}: {error}"
        );
    }
}

#[test]
fn what_could_grow_or_take_long_is_refused() {
    check_refused("{% for x in y %}{% endfor %}", "a template cannot use for");
    check_refused("{%- set x = 1 %}", "a template cannot use set");
    check_refused("{%+macro x()%}", "a template cannot use macro");
    check_refused("{% raw %}{{{% endraw %}", "a template cannot use raw");
    check_refused(
        "{{ 'x' * 99999999 }}",
        "a template cannot use multiplication",
    );
    check_refused("{% if 2 ** 99 %}", "a template cannot use multiplication");
    check_refused(
        "{{ {'a': 1} }}",
        "a template cannot use braces inside a tag",
    );
    check_refused(
        "{{ '%9d' | format(1) }}",
        "a template cannot use the filter format",
    );
    check_refused(
        "{{ 1 is not prime }}",
        "a template cannot use the test prime",
    );
    let chain = format!("{{{{ {}a }}}}", "a~".repeat(20_000));
    check_refused(&chain, "a template cannot use so long an expression");
    let ladder = format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(2_000));
    check_refused(&ladder, "a template cannot use so many elif");
    let long = "x".repeat(MAX_TEMPLATE_BYTES + 1);
    check_refused(&long, "the template is longer than 65536 bytes");
}

#[track_caller]
fn check_too_long(source: &str) {
    let long = "x".repeat(MAX_FIELD_BYTES);
    let rendered = Template::new(source).unwrap().render([("a", &long)]);
    assert_eq!(rendered, Err(RenderFault::TooLong));
}

#[test]
fn a_text_cannot_grow_without_end() {
    check_too_long(&"{{a}}".repeat(9));
    check_too_long("{{ a | replace('x', 'xx') }}");
    check_too_long("{{ a | split('') | join(a) }}");
    check_too_long(&format!("{{{{ {}a }}}}", "a~".repeat(40)));
    check_too_long(&"{% if a %}{% endif %}".repeat(2_000));
    let template = Template::new("{{a}}").unwrap();
    let longer = "x".repeat(MAX_FIELD_BYTES + 1);
    assert_eq!(template.render([("a", &longer)]), Err(RenderFault::TooLong));
    // A field that the text does not use may be as long as it likes.
    assert_eq!(
        template.render([("a", "b"), ("notes", &longer)]).unwrap(),
        "b"
    );
}

#[test]
fn what_nests_as_deep_as_it_may_fits_on_the_stack() {
    let deep = [
        format!("{{{{ {}a }}}}", "a~".repeat(49)),
        format!("{{{{ {}a }}}}", "not ".repeat(98)),
        format!("{{{{ {}a{} }}}}", "(".repeat(49), ")".repeat(49)),
        format!("{{{{ a{} }}}}", "|d".repeat(49)),
        format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(100)),
        format!("{}a{}", "{% if a %}".repeat(140), "{% endif %}".repeat(140)),
        format!(
            "{}a{}",
            "{% if a %}".repeat(2_000),
            "{% endif %}".repeat(2_000)
        ),
    ];
    for source in deep {
        if let Ok(template) = Template::new(&source) {
            let _ = template.clone().render([("a", "b")]);
        }
    }
}

#[test]
fn every_filter_and_test_is_there() {
    for name in filters::FILTERS {
        let template = Template::new(&format!("{{{{ a | {name} }}}}")).unwrap();
        if let Err(RenderFault::Failed { what }) = template.render([("a", "1")]) {
            assert!(!what.contains("unknown"), "{name}: {what}");
        }
    }
    for name in filters::TESTS {
        let template = Template::new(&format!("{{{{ a is {name} }}}}")).unwrap();
        if let Err(RenderFault::Failed { what }) = template.render([("a", "1")]) {
            assert!(!what.contains("unknown"), "{name}: {what}");
        }
    }
}

#[test]
fn neither_texts_nor_fields_show() {
    let template = Template::new("secret {{a}}").unwrap();
    assert_eq!(format!("{template:?}"), "Template { fields: [\"a\"], .. }");
    let row = Row::new("+224622000001", [("a", "secret")]);
    assert_eq!(format!("{row:?}"), "Row { fields: [\"a\"], .. }");
    let fault = Template::new("{{ a | round }}")
        .unwrap()
        .render([("a", "secret")]);
    assert!(!fault.unwrap_err().to_string().contains("secret"));
}

#[test]
fn rows_become_messages_or_faults() {
    let template = Template::new("{{ name }}{{ rest | default }}").unwrap();
    let region = "GN".parse().unwrap();
    let named = [("name", "Mory")];
    let prepared = template.prepare([
        Row::new("+224 622 00 00 01", named),
        Row::new("", named),
        Row::new("6,22E+08", named),
        Row::new("622000002", named),
        Row::new("622000002", named).region(region),
        Row::new("+224622000003", [("name", "")]),
        Row::new("+224622000004", [("rest", "x")]),
    ]);
    let messages: Vec<_> = prepared
        .messages
        .iter()
        .map(|ready| (ready.row, ready.message.to.as_str(), &*ready.message.text))
        .collect();
    let expected = [(0, "+224622000001", "Mory"), (4, "+224622000002", "Mory")];
    assert_eq!(messages, expected);
    let sentences: Vec<String> = prepared.faults.iter().map(ToString::to_string).collect();
    let expected = [
        "row 2: there is no phone number",
        "row 3: the phone number holds letters",
        "row 4: expected a phone number with + and country code",
        "row 6: the template uses name, which is missing or empty",
        "row 7: the template uses name, which is missing or empty",
    ];
    assert_eq!(sentences, expected);
    assert_eq!(prepared.all().err().map(|faults| faults.len()), Some(5));
}

#[test]
fn an_empty_text_is_a_fault() {
    let template = Template::new("{{ name | default }}").unwrap();
    let prepared = template.prepare([Row::new("+224622000001", [("x", "y")])]);
    let faults: Vec<RowFault> = prepared.faults.into_iter().map(|bad| bad.fault).collect();
    assert_eq!(faults, [RowFault::EmptyText]);
}

proptest! {
    #[test]
    fn no_template_and_no_field_brings_it_down(source in "[{}%#'\"a |.*\\\\=\\[\\]é-]{0,30}", field in any::<String>()) {
        if let Ok(template) = Template::new(&source) {
            let _ = template.render([("a", field)]);
        }
    }

    #[test]
    fn what_is_no_tag_stays_as_it_is(text in "[^{]{0,40}") {
        // The engine leaves out a line end at the end of a template.
        let text = format!("{text}.");
        let template = Template::new(&text).unwrap();
        assert_eq!(template.render([("a", "b")]), Ok(text));
    }
}
