//! What was seen of one connection, with the packets that show it, and the questions that a judgement asks of it. Nothing here judges.
//!
//! An [`Observer`] lives as long as its connection: it is fed with bytes by side and writes down what they say. What it leaves
//! is an [`Observed`]: the offer, the answer, the certificates, alerts, records and endings, each value with its span.

mod answer;
mod books;
mod breach;
mod clock;
mod closed;
mod ending;
mod fetched;
mod forgery;
mod history;
mod intervals;
mod leaves;
mod neighbours;
mod observed;
mod observer;
mod offer;
mod order;
mod race;
mod rejection;
mod renegotiation;
mod request;
mod room;
mod sealed;
#[cfg(test)]
pub(crate) mod testing;
mod transcript;
mod turn;

pub(crate) use answer::Answer;
pub(crate) use breach::Breach;
pub(crate) use clock::{ClockEstimate, estimate as estimate_clock};
pub(crate) use closed::{Closed, Known};
pub(crate) use ending::{Act, End};
pub(crate) use fetched::Fetched;
pub(crate) use forgery::Misfit;
#[cfg(test)]
pub(crate) use history::GotThrough;
pub(crate) use history::{Places, SentChain, SentChains, ServerHistory};
pub(crate) use leaves::LeafCount;
pub(crate) use neighbours::{Answered, Attempt, Neighbours, Probe};
pub(crate) use observed::{
    AlertSeen, CertificateVerifySeen, Chain, Endpoint, First, Hole, KeyExchangeSeen, MessageSeen, Observed, RecordLog,
    RecordSeen, Spanned, Stapled, Stretch,
};
pub(crate) use observer::{Identity, Observer};
pub(crate) use offer::Offer;
pub(crate) use race::Winner;
pub(crate) use rejection::{Rejection, Sign, Support, is_about_certificates};
pub(crate) use request::CertificateRequestSeen;
pub(crate) use room::{Fared, Room, message_len, of_certificates};
pub(crate) use sealed::{ClientReply, Sealed, ServerReply, Sizes};
pub(crate) use turn::Turn;
