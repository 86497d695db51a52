//! What is spoken and written, in English and Russian.

use tandem_sdk::clock::LocalTime;
use tandem_sdk::voicemail::{Counts, Message};
use tandem_sdk::{Address, Prompt};

const DAY_S: i64 = 86_400;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_RU: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// What a caller wants done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is stored.
    Keep,
    /// It is recorded once more.
    Again,
    /// It is gone.
    Delete,
}

/// Texts in one language.
#[derive(Debug, Clone)]
pub struct Words {
    tag: String,
    russian: bool,
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident: $english:literal, $russian:literal;)+) => {
        impl Words {
            $($(#[doc = $doc])+ pub fn $name(&self) -> &'static str {
                if self.russian { $russian } else { $english }
            })+
        }
    };
}

texts! {
    /// Before the beep.
    greeting: "Nobody can take your call now. Please leave a message after the tone, and press the hash key.",
        "Сейчас никто не может ответить. Оставьте сообщение после сигнала и нажмите решётку.";
    /// Nobody said anything.
    nothing_recorded: "There was nothing to hear. Please speak after the tone.",
        "Ничего не слышно. Говорите после сигнала.";
    /// What can be done with a message that was just left.
    review: "To keep the message, press 1 or hang up. To hear it, press 2. To record it again, press 3. To delete it, press 7.",
        "Чтобы сохранить сообщение, нажмите 1 или положите трубку. Прослушать: 2. Записать заново: 3. Удалить: 7.";
    /// It is stored.
    kept: "Your message is kept. Goodbye.", "Сообщение сохранено. До свидания.";
    /// It is gone.
    deleted: "The message is deleted.", "Сообщение удалено.";
    /// It is kept for good.
    saved: "The message is saved.", "Сообщение сохранено.";
    /// No more room.
    full: "This box takes no more messages. Goodbye.", "Ящик переполнен. До свидания.";
    /// The disk is full, for example.
    cannot_record: "No message can be recorded now. Goodbye.", "Сейчас запись невозможна. До свидания.";
    /// Digits, then the hash key.
    ask_pin: "Enter your code, then press the hash key.", "Введите код и нажмите решётку.";
    /// Another one.
    wrong_pin: "The code is wrong.", "Неверный код.";
    /// Nothing to listen to.
    no_messages: "You have no messages.", "У вас нет сообщений.";
    /// The last one was heard.
    no_more: "There are no more messages.", "Больше сообщений нет.";
    /// Its recording cannot be played.
    lost: "This message cannot be played.", "Это сообщение нельзя воспроизвести.";
    /// What can be done with a message that was heard.
    choices: "To hear it again, press 1. Next message, 2. Save, 3. Delete, 7. To end, press the hash key.",
        "Прослушать снова: 1. Следующее: 2. Сохранить: 3. Удалить: 7. Закончить: решётка.";
    /// The end.
    goodbye: "Goodbye.", "До свидания.";
}

impl Words {
    /// Russian for `ru` and what begins so, else English.
    pub fn new(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            russian: tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("ru")),
        }
    }

    /// Speech in this language.
    pub fn say(&self, text: impl Into<String>) -> Prompt {
        Prompt::say(text, &self.tag)
    }

    /// A text of these without its goodbye, for a caller who stays on the line.
    pub fn without_goodbye<'a>(&self, text: &'a str) -> &'a str {
        text.strip_suffix(self.goodbye()).map_or(text, str::trim_end)
    }

    /// How many messages there are.
    pub fn counted(&self, counts: &Counts) -> String {
        let old = counts.heard + counts.saved;
        if self.russian {
            return format!("Новых сообщений: {}. Старых: {old}.", counts.new);
        }
        let messages = |count: u32| if count == 1 { "message" } else { "messages" };
        format!(
            "You have {} new {} and {old} old {}.",
            counts.new,
            messages(counts.new),
            messages(old)
        )
    }

    /// Who left a message, and when: `now` is the present in the domain's time zone.
    pub fn from_whom(&self, message: &Message, now: LocalTime) -> String {
        let (who, when) = (spoken(&message.caller), self.when(message, now));
        if self.russian {
            format!("От {who}, {when}.")
        } else {
            format!("From {who}, {when}.")
        }
    }

    fn when(&self, message: &Message, now: LocalTime) -> String {
        let stored = (message.stored_ms / 1_000) as i64 + i64::from(now.utc_offset_s);
        let (day, second) = (stored.div_euclid(DAY_S), stored.rem_euclid(DAY_S));
        let time = format!("{}:{:02}", second / 3_600, second / 60 % 60);
        let ago = day_number(now.year.into(), now.month.into(), now.day.into()) - day;
        let (month, date) = civil(day);
        let name = |months: &[&'static str; 12]| months.get(month as usize - 1).copied().unwrap_or_default();
        match (ago, self.russian) {
            (0, false) => format!("today at {time}"),
            (1, false) => format!("yesterday at {time}"),
            (_, false) => format!("{} {date} at {time}", name(&MONTHS)),
            (0, true) => format!("сегодня в {time}"),
            (1, true) => format!("вчера в {time}"),
            (_, true) => format!("{date} {} в {time}", name(&MONTHS_RU)),
        }
    }

    /// The subject of a mail.
    pub fn mail_subject(&self, caller: &Address) -> String {
        let who = written(caller);
        if self.russian {
            format!("Голосовое сообщение от {who}")
        } else {
            format!("Voice message from {who}")
        }
    }

    /// The text of a mail.
    pub fn mail_text(&self, name: &str, message: &Message) -> String {
        let (who, seconds) = (written(&message.caller), message.duration_ms.div_ceil(1_000));
        if self.russian {
            format!("{who} оставил сообщение для {name}: {seconds} с. Запись приложена.\n")
        } else {
            format!("{who} left a message of {seconds} s for {name}. The recording is attached.\n")
        }
    }
}

/// A number is spoken digit by digit.
fn spoken(caller: &Address) -> String {
    if !caller.display_name.is_empty() {
        return caller.display_name.clone();
    }
    if caller.user.bytes().all(|byte| byte.is_ascii_digit()) {
        let digits: Vec<String> = caller.user.chars().map(String::from).collect();
        return digits.join(" ");
    }
    caller.user.clone()
}

/// In a header a line break would begin another.
fn written(caller: &Address) -> String {
    let text = if caller.display_name.is_empty() {
        caller.user.clone()
    } else {
        format!("{} ({})", caller.display_name, caller.user)
    };
    let line: String = text.chars().filter(|letter| !letter.is_control()).collect();
    line.chars().take(50).collect()
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

/// Month and day of the month.
fn civil(day: i64) -> (i64, i64) {
    let since = day + 719_468;
    let of_era = since.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    (if shifted < 10 { shifted + 3 } else { shifted - 9 }, date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_sdk::voicemail::State;

    #[test]
    fn who_stays_is_not_told_goodbye() {
        let words = Words::new("en");
        assert_eq!(words.without_goodbye(words.kept()), "Your message is kept.");
        assert_eq!(words.without_goodbye(words.deleted()), words.deleted());
        let words = Words::new("ru");
        assert_eq!(words.without_goodbye(words.kept()), "Сообщение сохранено.");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(day_number(1970, 1, 1), 0);
        assert_eq!(day_number(2000, 2, 29), 11_016);
        assert_eq!(day_number(2026, 11, 28), 20_785);
        for day in [0, 58, 59, 60, 11_016, 11_017, 20_785, 20_850] {
            let (month, date) = civil(day);
            let year = (1970..2030).find(|year| day_number(*year, month, date) == day);
            assert!(year.is_some(), "{day} is no {month}/{date}");
        }
    }

    #[test]
    fn a_message_is_announced_with_its_caller_and_time() {
        let now = LocalTime {
            year: 2026,
            month: 11,
            day: 28,
            weekday: 6,
            hour: 1,
            minute: 30,
            second: 0,
            utc_offset_s: 3_600,
        };
        let message = |ago_s: u64, name: &str| Message {
            id: 1,
            recording: "recording-1-0".into(),
            caller: Address {
                user: "302".into(),
                host: "a.example".into(),
                display_name: name.into(),
            },
            // 01:30 there is 00:30 UTC.
            stored_ms: (20_785 * 86_400 + 1_800 - ago_s) * 1_000,
            duration_ms: 4_000,
            state: State::New,
        };
        let english = Words::new("en");
        assert_eq!(
            english.from_whom(&message(60, ""), now),
            "From 3 0 2, today at 1:29."
        );
        assert_eq!(
            english.from_whom(&message(7_200, "Bob"), now),
            "From Bob, yesterday at 23:30."
        );
        assert_eq!(
            Words::new("ru-RU").from_whom(&message(3 * 86_400, ""), now),
            "От 3 0 2, 25 ноября в 1:30."
        );
        assert_eq!(
            english.counted(&Counts {
                new: 1,
                heard: 1,
                saved: 1
            }),
            "You have 1 new message and 2 old messages."
        );
        let odd = Address {
            display_name: "Bob\r\nBcc: x".into(),
            ..message(0, "").caller
        };
        assert_eq!(english.mail_subject(&odd), "Voice message from BobBcc: x (302)");
    }
}
