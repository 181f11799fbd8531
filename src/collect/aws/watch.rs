//! Sees every request and answer of a run: counts them, refuses XML that was cut off, and
//! remembers whether AWS rejects the credentials.
//!
//! The SDK parses a body that a proxy cut in the middle of as if it ended there, and the rest is
//! simply missing: a subnet without its route table, a rule that does not exist.

use std::{
    error::Error,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                AfterDeserializationInterceptorContextRef,
                BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
            },
        },
        orchestrator::HttpResponse,
        result::SdkError,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, error::metadata::ProvideErrorMetadata};

use super::why::{Outcome, failure, rejects_credentials};
use crate::collect::chain::add_link;

#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    requests: AtomicU32,
    rejected: OnceLock<String>,
}

impl Watch {
    /// Requests sent so far, repeated ones included.
    pub fn requests(&self) -> u32 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// AWS's words, if it rejected the credentials of any call.
    pub fn rejected(&self) -> Option<&str> {
        self.0.rejected.get().map(String::as_str)
    }

    /// What a call brought. `absent` lists the error codes by which this call says "there is none".
    pub fn read<T, E>(
        &self,
        result: Result<T, SdkError<E, HttpResponse>>,
        absent: &[&str],
    ) -> Outcome<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let error = match result {
            Ok(output) => return Ok(Some(output)),
            Err(error) => error,
        };
        let code = error.code().unwrap_or_default();
        if absent.contains(&code) {
            return Ok(None);
        }
        let failure = failure(&error);
        if rejects_credentials(code) {
            self.0.rejected.get_or_init(|| failure.detail.clone());
        }
        Err(failure)
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    /// Once for a call, however often it is repeated.
    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        add_link();
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let cut = response.status().is_success() && response.body().bytes().is_some_and(is_cut_off);
        if cut { Err("the XML ends before its closing tag".into()) } else { Ok(()) }
    }
}

/// XML that does not end with the closing tag of its root element. Anything but XML is left to
/// its parser, which does notice.
fn is_cut_off(body: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(body) else { return false };
    let mut rest = text.trim();
    // Declarations and comments before the root.
    while let Some((_, after)) = rest
        .strip_prefix("<?")
        .or_else(|| rest.strip_prefix("<!"))
        .map(|it| it.split_once('>').unwrap_or((it, "")))
    {
        rest = after.trim_start();
    }
    let Some(root) = rest.strip_prefix('<') else { return text.trim_start().starts_with('<') };
    let name = root
        .split(|it: char| it.is_whitespace() || it == '>' || it == '/')
        .next()
        .unwrap_or_default();
    let last = rest.rsplit('<').next().unwrap_or_default();
    let closes = last
        .strip_prefix('/')
        .and_then(|it| it.strip_suffix('>'))
        .is_some_and(|it| it.trim_end() == name);
    let empty = last == root && last.ends_with("/>");
    !closes && !empty
}

#[cfg(test)]
mod tests {
    use super::is_cut_off;

    #[test]
    fn a_document_ends_where_it_began() {
        let rows = [
            ("<A><b/></A>", false),
            ("<?xml version=\"1.0\"?>\n<A xmlns=\"x\">\n<b>1</b>\n</A>\n", false),
            ("<!-- hello --><A></A >", false),
            ("<A/>", false),
            ("<A b='c' />", false),
            ("{\"a\": 1}", false),
            ("", false),
            ("<A><b/>", true),
            ("<A><b></b>", true),
            ("<A><b>1</b></A", true),
            ("<?xml version=\"1.0\"?>", true),
            ("<?xml version=\"1.0\"?>\n<A><item><c/>", true),
            ("<A", true),
        ];
        for (body, cut) in rows {
            assert_eq!(is_cut_off(body.as_bytes()), cut, "{body}");
        }
    }
}
