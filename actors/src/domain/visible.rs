//! What can be seen of a text, and what in it could deceive whoever reads it.
//!
//! Judges single characters, by Unicode's list of those that are shown as nothing (`Default_Ignorable_Code_Point`,
//! version 16). Knows no fields and no lengths.

/// Whether a character leaves no mark where a text is shown. Those that other characters are joined or drawn with
/// are among them: by themselves they show nothing.
pub fn is_invisible(c: char) -> bool {
    // The last one is the pattern of Braille without any dot.
    c.is_whitespace() || c.is_control() || is_ignored(c) || c == '\u{2800}'
}

/// Whether nothing of a text can be seen.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Whether a character is not seen but could forge something where a text is shown: a line, a reading direction, a
/// difference between two texts that look the same. What scripts and emoji are written with is allowed, although
/// it cannot be seen either.
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || (is_ignored(c) && !is_needed_for_writing(c))
}

/// What is shown as nothing, white space aside.
fn is_ignored(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Of what is shown as nothing: joiners and non-joiners, variation selectors, the tags of flags, fillers of
/// syllables, and where a word may be hyphenated.
fn is_needed_for_writing(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200c}' | '\u{200d}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_which_nothing_can_be_seen_is_blank() {
        for blank in [
            "",
            " \t\n",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{200d}\u{200c}\u{fe0f}",
            "\u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{2060}\u{feff}",
            "\u{202e} \u{2066}",
            "\u{e0067}\u{e007f}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in ["a", " . ", "\u{200d}🔬", "ـ", "้", "👩‍🔬"] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }

    #[test]
    fn what_hides_or_turns_text_is_deceptive() {
        for c in [
            '\0',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{61c}',
            '\u{200b}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2065}',
            '\u{2066}',
            '\u{2069}',
            '\u{206f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0001}',
        ] {
            assert!(is_deceptive(c) && is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn what_scripts_and_emoji_are_written_with_is_not() {
        for text in [
            "نام‌خانوادگی",
            "ක්‍ෂ",
            "👩‍🔬",
            "❤️",
            "葛󠄀",
            "ᠮᠣᠩᠭᠣᠯ᠎ᠠ",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "Donau\u{ad}dampfer",
            "a b\u{a0}c\u{3000}d",
        ] {
            assert!(!text.contains(is_deceptive), "{text:?}");
        }
    }
}
