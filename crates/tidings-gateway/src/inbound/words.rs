//! What a text from a phone asks for: to be left alone, to be written to again, or for help.
//!
//! Called by [`super::take`]. Pure. The words are a table, `opt_out_words.tsv`; an account chooses its
//! languages and adds words of its own. Nothing is stopped or sent here.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::settings::AccountSettings;

/// What a text asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// To be left alone.
    OptOut,
    /// Perhaps to be left alone: a person has to read it.
    PerhapsOptOut,
    /// To be written to again.
    OptIn,
    /// Whoever has opted out wants to be written to again; from anybody else it is an ordinary answer.
    OptInOrYes,
    /// What this is.
    Help,
}

impl Wish {
    /// The word that is kept with a text; see [`tidings_store::StoredInbound::asks_for`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptOut => "opt_out",
            Self::PerhapsOptOut => "perhaps_opt_out",
            Self::OptIn | Self::OptInOrYes => "opt_in",
            Self::Help => "help",
        }
    }
}

/// What a text asks for, and by which word of the table or of the account; `None` is an ordinary text.
pub fn wish_of(text: &str, settings: &AccountSettings) -> Option<(Wish, String)> {
    let folded = folded(text);
    if folded.is_empty() {
        return None;
    }
    let own = || settings.opt_out_words.iter().map(|word| self::folded(word));
    if own().any(|word| word == folded) {
        return Some((Wish::OptOut, folded));
    }
    let table = &*TABLE;
    let rows = table.whole.get(&folded).map_or(&[][..], Vec::as_slice);
    let mut wishes = rows
        .iter()
        .filter(|row| is_spoken(row.language, settings))
        .map(|row| row.wish);
    if let Some(wish) = wishes.next() {
        // A word that stops in one language and says yes in another stops: nobody is harmed by it.
        let wish = wishes.fold(
            wish,
            |one, other| {
                if other == Wish::OptOut { other } else { one }
            },
        );
        return Some((wish, folded));
    }
    let words: Vec<&str> = folded.split(' ').collect();
    let within = |phrase: &[&str]| words.windows(phrase.len()).any(|part| part == phrase);
    let is_own_within = own().any(|word| {
        let phrase: Vec<&str> = word.split(' ').collect();
        !word.is_empty() && within(&phrase)
    });
    if is_own_within {
        return Some((Wish::PerhapsOptOut, String::new()));
    }
    let hint = table
        .within
        .iter()
        .find(|row| is_spoken(row.language, settings) && within(&row.phrase))?;
    Some((Wish::PerhapsOptOut, hint.phrase.join(" ")))
}

/// Words that hold in every language always count: networks and laws ask for them.
fn is_spoken(language: &str, settings: &AccountSettings) -> bool {
    let chosen = &settings.opt_out_languages;
    language == "*"
        || chosen.is_empty()
        || chosen.iter().any(|it| it.eq_ignore_ascii_case(language))
}

/// A text as it is compared: without accents and letter case, wide and other forms of letters as the
/// plain ones, and everything that is no letter or digit as one blank between words.
fn folded(text: &str) -> String {
    let mut folded = String::new();
    // Longer texts are not compared as a whole, and only their beginning is looked through.
    for character in text.chars().take(LONGEST).nfkd() {
        if is_combining_mark(character) || is_invisible(character) {
            continue;
        }
        if character.is_alphanumeric() {
            match character {
                'ß' | 'ẞ' => folded.push_str("ss"),
                'æ' | 'Æ' => folded.push_str("ae"),
                'ø' | 'Ø' => folded.push('o'),
                'ł' | 'Ł' => folded.push('l'),
                'ı' => folded.push('i'),
                'đ' | 'Đ' => folded.push('d'),
                _ => folded.extend(
                    character
                        .to_lowercase()
                        .filter(|it| !is_combining_mark(*it)),
                ),
            }
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Soft hyphens, joiners, marks of direction and what lengthens letters stand inside words without
/// being part of them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{640}')
}

/// Characters of a text that are looked at: five parts.
const LONGEST: usize = 765;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("opt_out_words.tsv")));

struct Table {
    /// What a whole text means, by language.
    whole: HashMap<String, Vec<Row>>,
    /// What is looked for within texts.
    within: Vec<Hint>,
}

struct Row {
    language: &'static str,
    wish: Wish,
}

struct Hint {
    language: &'static str,
    phrase: Vec<&'static str>,
}

impl Table {
    fn read(table: &'static str) -> Self {
        let mut whole: HashMap<String, Vec<Row>> = HashMap::new();
        let mut within = Vec::new();
        for line in table.lines() {
            let mut columns = line.split('\t');
            let (Some(language), Some(kind), Some(words)) =
                (columns.next(), columns.next(), columns.next())
            else {
                continue;
            };
            let wish = match kind {
                "stop" | "within" => Some(Wish::OptOut),
                "start" => Some(Wish::OptIn),
                "yes" => Some(Wish::OptInOrYes),
                "help" => Some(Wish::Help),
                _ => None,
            };
            if let Some(wish) = wish {
                let row = Row { language, wish };
                whole.entry(words.to_owned()).or_default().push(row);
            }
            if matches!(kind, "within" | "loose") {
                let phrase = words.split(' ').collect();
                within.push(Hint { language, phrase });
            }
        }
        Self { whole, within }
    }
}

/// The languages that there are words for, for whoever checks an account's settings.
pub fn languages() -> Vec<&'static str> {
    let table = &*TABLE;
    let rows = table.whole.values().flatten().map(|row| row.language);
    let hints = table.within.iter().map(|hint| hint.language);
    let all: HashSet<&str> = rows.chain(hints).filter(|it| *it != "*").collect();
    let mut all: Vec<&str> = all.into_iter().collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::{TABLE, Wish, folded, languages, wish_of};
    use crate::settings::AccountSettings;

    #[track_caller]
    fn check(text: &str, expected: Option<Wish>) {
        check_for(&AccountSettings::default(), text, expected);
    }

    #[track_caller]
    fn check_for(settings: &AccountSettings, text: &str, expected: Option<Wish>) {
        let found = wish_of(text, settings).map(|(wish, _)| wish);
        assert_eq!(found, expected, "{text:?}");
    }

    fn speaking(languages: &[&str]) -> AccountSettings {
        AccountSettings {
            opt_out_languages: languages.iter().map(|it| (*it).to_owned()).collect(),
            ..AccountSettings::default()
        }
    }

    #[test]
    fn the_words_that_laws_and_networks_name_stop() {
        let words = [
            "STOP",
            "STOPALL",
            "UNSUBSCRIBE",
            "END",
            "QUIT",
            "REVOKE",
            "OPTOUT",
            "OPT-OUT",
            "opt out",
            "CANCEL",
            "ARRET",
            "TD",
            "REMOVE",
        ];
        for word in words {
            check(word, Some(Wish::OptOut));
        }
    }

    #[test]
    fn words_of_other_languages_stop() {
        let words = [
            "ARRÊT",
            "Désabonner",
            "STOPP",
            "AVMELD",
            "Afmeld",
            "abmelden",
            "BAJA",
            "Sair",
            "PARAR",
            "Wypisz",
            "İPTAL",
            "СТОП",
            "توقف",
            "lopeta",
            "Disiscrivi",
            "afmelden",
        ];
        for word in words {
            check(word, Some(Wish::OptOut));
        }
    }

    #[test]
    fn casing_blanks_punctuation_and_emoji_make_no_difference() {
        let texts = [
            "stop",
            " Stop ",
            "STOP!",
            "\"stop\".",
            "stop 🙏",
            "🛑🛑 STOP 🛑",
            "\u{a0}stop\r\n",
            "¡stop!",
            "ＳＴＯＰ",
            "𝐒𝐓𝐎𝐏",
            "s\u{301}top",
            "STOP\u{fe0f}",
            "«Stop»",
            "st\u{ad}op",
            "\u{200f}STOP\u{200f}",
            "(stop)",
            "*STOP*",
            "stop all",
            "Stop-All",
            "STOP ALL!!",
        ];
        for text in texts {
            check(text, Some(Wish::OptOut));
        }
    }

    #[test]
    fn what_may_mean_it_is_marked_for_a_person() {
        let texts = [
            "please stop texting me",
            "Stop sending these",
            "STOP it",
            "I want to unsubscribe!",
            "do not text me again",
            "don't text me",
            "Remove me from your list",
            "WRONG NUMBER",
            "Merci d'arrêter",
            "Falsche Nummer!",
            "No me escriban más",
            "feil nummer",
            "this is spam",
        ];
        for text in texts {
            check(text, Some(Wish::PerhapsOptOut));
        }
    }

    #[test]
    fn ordinary_texts_ask_for_nothing() {
        let texts = [
            "",
            "   ",
            "👍",
            "...",
            "ok",
            "See you at the end",
            "I cancelled my train",
            "nonstop",
            "Please cancel my appointment",
            "the info is wrong",
            "yes please",
            "help is on the way",
            "backstop",
            "I quit smoking",
            "no",
        ];
        for text in texts {
            check(text, None);
        }
    }

    #[test]
    fn some_words_begin_again_or_ask_for_help() {
        check("START", Some(Wish::OptIn));
        check("unstop", Some(Wish::OptIn));
        check("Yes!", Some(Wish::OptInOrYes));
        check("oui", Some(Wish::OptInOrYes));
        check("HELP", Some(Wish::Help));
        check("info?", Some(Wish::Help));
        check("Aide", Some(Wish::Help));
    }

    #[test]
    fn an_account_chooses_languages_and_adds_words() {
        let french = speaking(&["fr"]);
        check_for(&french, "arrêt", Some(Wish::OptOut));
        check_for(&french, "STOP", Some(Wish::OptOut));
        check_for(&french, "quit", None);
        check_for(&french, "avmeld", None);
        check_for(&speaking(&["NO"]), "avmeld", Some(Wish::OptOut));
        let own = AccountSettings {
            opt_out_words: vec!["Ciao-Ciao".to_owned(), String::new()],
            ..speaking(&["en"])
        };
        check_for(&own, "ciao ciao", Some(Wish::OptOut));
        check_for(&own, "well ciao ciao then", Some(Wish::PerhapsOptOut));
        check_for(&own, "ciao", None);
    }

    #[test]
    fn a_long_text_is_not_searched_to_its_end() {
        let long = format!("{} stop", "a ".repeat(1_000));
        check(&long, None);
        let short = format!("{} stop", "a ".repeat(100));
        check(&short, Some(Wish::PerhapsOptOut));
    }

    #[test]
    fn every_row_of_the_table_is_written_as_it_is_compared() {
        for line in include_str!("opt_out_words.tsv").lines() {
            if line.starts_with('#') {
                continue;
            }
            let columns: Vec<&str> = line.split('\t').collect();
            assert_eq!(columns.len(), 3, "{line:?}");
            assert_eq!(folded(columns[2]), columns[2], "{line:?}");
            let kinds = ["stop", "within", "loose", "start", "yes", "help"];
            assert!(kinds.contains(&columns[1]), "{line:?}");
        }
        assert!(TABLE.whole.len() > 80);
        assert!(
            ["en", "fr", "no", "es", "de", "pt"]
                .iter()
                .all(|it| languages().contains(it))
        );
    }
}
