//! Text of models, tools and providers on a terminal: it must not steer it, nor be read in another order than it
//! was written.

/// Whether a character steers a terminal or turns the order of what stands around it.
pub(crate) fn steers(character: char) -> bool {
    // The embeddings, overrides and isolates of Unicode's bidirectional text (UAX 9).
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text on one line.
pub(crate) fn line(text: &str) -> String {
    text.replace(steers, " ")
}

/// The text with its lines.
pub(crate) fn lines(text: &str) -> String {
    let steers = |character| steers(character) && !matches!(character, '\n' | '\t');
    text.replace(steers, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_steers_is_taken_out() {
        let text = "a\u{1b}[2J\u{202e}b\u{2069}\n\tשלום";
        assert_eq!(super::line(text), "a [2J b   שלום");
        assert_eq!(super::lines(text), "a\u{fffd}[2J\u{fffd}b\u{fffd}\n\tשלום");
    }
}
