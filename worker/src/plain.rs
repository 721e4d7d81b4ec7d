//! Texts that others wrote, as a model and a person may read them.

/// The text without terminal control sequences and control characters: a model reads it, and people read
/// it in terminals.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_sequence(&mut characters),
            '\n' | '\t' => plain.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => plain.push('\n'),
            _ if character.is_control() => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// Skips what follows an escape: `[…m` and its like, or `]…` up to a bell or a string terminator.
fn skip_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.next() {
        Some('[') => {
            for character in characters.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&character) {
                    return;
                }
            }
        }
        Some(']') => {
            while let Some(character) = characters.next() {
                if character == '\u{7}' {
                    return;
                }
                if character == '\u{1b}' {
                    characters.next();
                    return;
                }
            }
        }
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_terminals_is_left_out() {
        let printed = "\u{1b}[1;31mred\u{1b}[0m\tplain\r\nnext\rover\u{7}\u{1b}]0;title\u{7}!\u{1b}]8;;x\u{1b}\\y\u{9b}";
        assert_eq!(plain(printed), "red\tplain\nnext\nover!y");
    }
}
