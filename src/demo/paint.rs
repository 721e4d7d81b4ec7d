//! Text with a tone, before it is known whether there are colours.

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it comes.
    Plain,
    /// Of less weight.
    Dim,
    /// Of more weight.
    Strong,
    /// A call that runs.
    Runs,
    /// A call that ended well.
    Good,
    /// A call that failed.
    Bad,
    /// A call whose time was up.
    Late,
    /// A call whose worker was lost.
    Lost,
    /// The deadline.
    Deadline,
}

/// One line, piece by piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    /// A line of one piece.
    pub(super) fn of(tone: Tone, text: impl Into<String>) -> Self {
        let mut line = Self::default();
        line.push(tone, text);
        line
    }

    pub(super) fn push(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        match self.0.last_mut() {
            Some((last, so_far)) if *last == tone => so_far.push_str(&text),
            Some(_) | None => self.0.push((tone, text)),
        }
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = (Tone, &str)> {
        self.0.iter().map(|(tone, text)| (*tone, text.as_str()))
    }

    /// Its characters; each is one column wide.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// The line without what is beyond a width, and without blanks at its end.
    pub(super) fn clipped(mut self, width: usize) -> Self {
        let mut left = width;
        for (_, text) in &mut self.0 {
            *text = text.chars().take(left).collect();
            left -= text.chars().count();
        }
        while let Some((_, last)) = self.0.last_mut() {
            last.truncate(last.trim_end().len());
            if !last.is_empty() {
                break;
            }
            self.0.pop();
        }
        self
    }

    /// The line without its tones.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// Breaks a text into lines of at most a width, between words where that is possible; keeps its own
/// line breaks.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph
            .split_whitespace()
            .flat_map(|word| pieces(word, width))
        {
            let needed = line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && needed > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
}

/// A word in pieces of at most a width.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters
        .chunks(width.max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}
