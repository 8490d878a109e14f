//! One file as the rules see it: its path, its text, and for Rust the text split into code,
//! comments and literals. A small scanner, no parser: the rules ask for words and braces, and a
//! parser would have to be compiled before the first check can run.
//! Does not know any rule.

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// For a `.rs` file: which byte is what. Empty otherwise.
    kinds: Vec<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// A function or a test module, from its keyword to its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) name: String,
    /// Counted from 1.
    pub(crate) first_line: usize,
    pub(crate) last_line: usize,
}

impl Span {
    pub(crate) fn n_lines(&self) -> usize {
        self.last_line - self.first_line + 1
    }

    pub(crate) fn contains(&self, line: usize) -> bool {
        (self.first_line..=self.last_line).contains(&line)
    }
}

impl Source {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let kinds = if has_extension(&path, "rs") {
            Scanner::new(text.as_bytes()).scan()
        } else {
            Vec::new()
        };
        Self { path, text, kinds }
    }

    pub(crate) fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }

    pub(crate) fn is_markdown(&self) -> bool {
        has_extension(&self.path, "md")
    }

    pub(crate) fn is_manifest(&self) -> bool {
        self.file_name() == "Cargo.toml"
    }

    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Tests by their place: `tests.rs` and everything below a folder `tests`.
    pub(crate) fn is_test_file(&self) -> bool {
        self.file_name() == "tests.rs" || self.path.split('/').any(|folder| folder == "tests")
    }

    /// The code alone: comments and the contents of literals are blanks, lines stay where they are.
    pub(crate) fn code(&self) -> String {
        self.view(|kind| kind == Kind::Code)
    }

    /// Code and literals; comments are blanks.
    pub(crate) fn code_and_literals(&self) -> String {
        self.view(|kind| kind != Kind::Comment)
    }

    /// Comments alone, with their slashes.
    pub(crate) fn comments(&self) -> String {
        self.view(|kind| kind == Kind::Comment)
    }

    /// Every function with a body, nested ones too.
    pub(crate) fn functions(&self) -> Vec<Span> {
        let code = self.code();
        let mut spans = Vec::new();
        for (position, name) in named_after(&code, "fn") {
            if let Some((open, close)) = body_after(&code, position) {
                spans.push(Span {
                    name,
                    first_line: line_at(&code, position),
                    last_line: line_at(&code, close),
                });
                debug_assert!(open <= close);
            }
        }
        spans
    }

    /// The modules behind `#[cfg(test)]` that are written in this file.
    pub(crate) fn test_modules(&self) -> Vec<Span> {
        let code = self.code();
        let mut spans = Vec::new();
        for (position, _) in code.match_indices("#[cfg(test)]") {
            let rest = code.get(position..).unwrap_or_default();
            let Some((module, name)) = named_after(rest, "mod").into_iter().next() else {
                continue;
            };
            // Only attributes and `pub` may stand between.
            let between = rest.get("#[cfg(test)]".len()..module).unwrap_or_default();
            if between.contains(['{', ';', '}']) {
                continue;
            }
            if let Some((_, close)) = body_after(rest, module) {
                spans.push(Span {
                    name,
                    first_line: line_at(&code, position),
                    last_line: line_at(&code, position + close),
                });
            }
        }
        spans
    }

    fn view(&self, keep: impl Fn(Kind) -> bool) -> String {
        let bytes = self
            .text
            .bytes()
            .zip(&self.kinds)
            .map(|(byte, kind)| match byte {
                b'\n' => b'\n',
                byte if keep(*kind) => byte,
                _ => b' ',
            })
            .collect();
        String::from_utf8(bytes).expect("a character is kept whole or blanked whole")
    }
}

/// Lines with their numbers, counted from 1.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, last)| last == extension)
}

/// Where `word` stands as a word of its own.
pub(crate) fn word_positions(text: &str, word: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    text.match_indices(word)
        .map(|(position, _)| position)
        .filter(|&position| {
            let before = position.checked_sub(1).and_then(|at| bytes.get(at));
            let after = bytes.get(position + word.len());
            !before.is_some_and(|byte| is_word(*byte)) && !after.is_some_and(|byte| is_word(*byte))
        })
        .collect()
}

pub(crate) fn line_at(text: &str, position: usize) -> usize {
    1 + text
        .bytes()
        .take(position)
        .filter(|byte| *byte == b'\n')
        .count()
}

/// Positions of a keyword with the name that follows it.
fn named_after(code: &str, keyword: &str) -> Vec<(usize, String)> {
    word_positions(code, keyword)
        .into_iter()
        .filter_map(|position| {
            let rest = code.get(position + keyword.len()..)?;
            let name: String = rest
                .trim_start()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            (!name.is_empty() && rest.starts_with(char::is_whitespace)).then_some((position, name))
        })
        .collect()
}

/// The braces of the item that begins at `position`, or nothing when it ends with a semicolon.
fn body_after(code: &str, position: usize) -> Option<(usize, usize)> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    let mut open = None;
    for (at, byte) in code.bytes().enumerate().skip(position) {
        match byte {
            b'(' | b'[' => brackets += 1,
            b')' | b']' => brackets -= 1,
            b';' if brackets == 0 && braces == 0 => return None,
            b'{' => {
                braces += 1;
                open = open.or(Some(at));
            }
            b'}' => {
                braces -= 1;
                if braces == 0 {
                    return open.map(|open| (open, at));
                }
            }
            _ => {}
        }
    }
    None
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Tells code, comments and literals apart, byte by byte.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    kinds: Vec<Kind>,
}

impl<'a> Scanner<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            kinds: Vec::with_capacity(bytes.len()),
        }
    }

    fn scan(mut self) -> Vec<Kind> {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'/' if self.peek(1) == Some(b'/') => self.line_comment(),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
                b'"' => self.quoted(),
                b'r' if !self.inside_word() && self.raw_hashes().is_some() => self.raw(),
                b'\'' => self.character_or_lifetime(),
                _ => self.take(1, Kind::Code),
            }
        }
        self.kinds
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn take(&mut self, n_bytes: usize, kind: Kind) {
        let n_bytes = n_bytes.min(self.bytes.len() - self.at);
        self.kinds.extend(std::iter::repeat_n(kind, n_bytes));
        self.at += n_bytes;
    }

    /// Whether the byte at hand continues a name; `b` and `c` before a raw string do not count.
    fn inside_word(&self) -> bool {
        let before = |n: usize| {
            self.at
                .checked_sub(n)
                .and_then(|at| self.bytes.get(at))
                .copied()
        };
        match before(1) {
            Some(b'b' | b'c') => before(2).is_some_and(is_word),
            Some(byte) => is_word(byte),
            None => false,
        }
    }

    fn line_comment(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len());
        self.take(length, Kind::Comment);
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.take(2, Kind::Comment);
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.take(2, Kind::Comment);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.take(1, Kind::Comment),
            }
        }
    }

    fn quoted(&mut self) {
        self.take(1, Kind::Code);
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => return self.take(1, Kind::Code),
                b'\\' => self.take(2, Kind::Literal),
                _ => self.take(1, Kind::Literal),
            }
        }
    }

    /// How many `#` follow the `r` at hand, if a raw string begins here.
    fn raw_hashes(&self) -> Option<usize> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let n_hashes = rest.iter().take_while(|byte| **byte == b'#').count();
        (self.peek(1 + n_hashes) == Some(b'"')).then_some(n_hashes)
    }

    fn raw(&mut self) {
        let n_hashes = self.raw_hashes().unwrap_or(0);
        self.take(2 + n_hashes, Kind::Code);
        while let Some(byte) = self.peek(0) {
            let closes = byte == b'"' && (1..=n_hashes).all(|ahead| self.peek(ahead) == Some(b'#'));
            if closes {
                return self.take(1 + n_hashes, Kind::Code);
            }
            self.take(1, Kind::Literal);
        }
    }

    /// `'a'` and `'\n'` are literals; the `'a` of a lifetime is code.
    fn character_or_lifetime(&mut self) {
        let escaped = self.peek(1) == Some(b'\\');
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        // The longest character is four bytes; an escape is at most `\u{10ffff}`.
        let closing = rest
            .iter()
            .enumerate()
            .skip(if escaped { 2 } else { 1 })
            .take(if escaped { 10 } else { 4 })
            .find(|(_, byte)| **byte == b'\'')
            .map(|(index, _)| index);
        match closing {
            Some(length) if escaped || is_one_character(rest.get(..length)) => {
                self.take(1, Kind::Code);
                self.take(length, Kind::Literal);
                self.take(1, Kind::Code);
            }
            _ => self.take(1, Kind::Code),
        }
    }
}

fn is_one_character(bytes: Option<&[u8]>) -> bool {
    bytes
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .is_some_and(|text| text.chars().count() == 1)
}
