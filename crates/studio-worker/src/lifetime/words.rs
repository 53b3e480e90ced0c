//! What the owner, its daemon and its window say to each other: words, one line each.

use std::fmt;
use std::str::FromStr;

use crate::Exit;

/// From the owner to its daemon; the end of the pipe means [`Order::Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As the first signal: finish what runs within the grace, then end.
    Finish,
    /// As the second signal: end at once.
    EndNow,
}

/// A line that this version does not know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`, which is no word of this version")]
pub(crate) struct UnknownWord(String);

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finish => "finish",
            Self::EndNow => "end-now",
        })
    }
}

impl FromStr for Order {
    type Err = UnknownWord;

    fn from_str(line: &str) -> Result<Self, UnknownWord> {
        match line {
            "finish" => Ok(Self::Finish),
            "end-now" => Ok(Self::EndNow),
            other => Err(UnknownWord(other.to_owned())),
        }
    }
}

/// From the owner to its window; the end of the pipe means [`News::Close`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// A daemon of somebody else runs.
    Runs,
    /// The owner's daemon runs, or is about to.
    RunsOwn,
    /// It crashed, and is started again soon.
    Rests,
    /// It ended with this code, and is not started again by itself.
    Ended(Exit),
    /// It was told to end.
    Ends,
    /// The window is to close.
    Close,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => f.write_str("runs"),
            Self::RunsOwn => f.write_str("runs-own"),
            Self::Rests => f.write_str("rests"),
            Self::Ended(exit) => write!(f, "ended {}", *exit as u8),
            Self::Ends => f.write_str("ends"),
            Self::Close => f.write_str("close"),
        }
    }
}

impl FromStr for News {
    type Err = UnknownWord;

    fn from_str(line: &str) -> Result<Self, UnknownWord> {
        let exit = || Exit::of_code(line.strip_prefix("ended ")?.parse().ok()?);
        match line {
            "runs" => Ok(Self::Runs),
            "runs-own" => Ok(Self::RunsOwn),
            "rests" => Ok(Self::Rests),
            "ends" => Ok(Self::Ends),
            "close" => Ok(Self::Close),
            _ => exit().map(Self::Ended).ok_or_else(|| UnknownWord(line.to_owned())),
        }
    }
}

/// From the window to its owner; what it wants of the daemon it says to the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A daemon that ended is to be started again.
    Start,
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
        }
    }
}

impl FromStr for Wish {
    type Err = UnknownWord;

    fn from_str(line: &str) -> Result<Self, UnknownWord> {
        if line == "start" { Ok(Self::Start) } else { Err(UnknownWord(line.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_and_wishes_are_read_back() {
        for news in
            [News::Runs, News::RunsOwn, News::Rests, News::Ended(Exit::AuthFailed), News::Ends, News::Close]
        {
            assert_eq!(news.to_string().parse(), Ok(news));
        }
        assert!("ended 99".parse::<News>().is_err());
        assert_eq!(Wish::Start.to_string().parse(), Ok(Wish::Start));
    }

    #[test]
    fn orders_are_read_back() {
        for order in [Order::Finish, Order::EndNow] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        assert!("stop".parse::<Order>().is_err());
    }
}
