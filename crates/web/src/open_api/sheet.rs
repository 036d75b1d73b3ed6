//! What an endpoint takes and gives, read off the types of its handler: the description of the API
//! cannot say anything else than the code does.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::App;
use crate::access::Caller;
use crate::client_address::Client;
use crate::error::ApiError;
use crate::extract::{Body, Json, Path, Query};

/// Collects what one endpoint takes and gives.
pub(crate) struct Sheet<'a> {
    /// Schemas of what is read.
    pub(super) inputs: &'a mut SchemaGenerator,
    /// Schemas of what is written.
    pub(super) outputs: &'a mut SchemaGenerator,
    /// The parameters of the path, in its order.
    pub(super) path: Vec<Value>,
    /// The parameters of the query, as the properties of one object.
    pub(super) query: Option<Schema>,
    /// Headers by name, and what each is for.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    /// The body: its medium and its schema.
    pub(super) body: Option<(&'static str, Value)>,
    /// Replies by status.
    pub(super) replies: BTreeMap<u16, Reply>,
    /// Whether it may answer with an error of the API.
    pub(super) may_fail: bool,
}

/// A reply: what it is, its medium and its schema.
pub(crate) struct Reply {
    pub(super) words: &'static str,
    pub(super) content: Option<(&'static str, Value)>,
}

/// A part of a request that a handler takes.
pub(crate) trait Takes {
    fn takes(sheet: &mut Sheet<'_>);
}

/// What a handler gives.
pub(crate) trait Gives {
    fn gives(sheet: &mut Sheet<'_>);
}

/// A handler whose parts are described; `Parts` only tells handlers of one part from those of more.
pub(crate) trait Described<Parts> {
    fn describe(sheet: &mut Sheet<'_>);
}

macro_rules! described {
    ($($part:ident),*) => {
        impl<Handler, Answer, Given, $($part),*> Described<($($part,)*)> for Handler
        where
            Handler: Fn($($part),*) -> Answer,
            Answer: Future<Output = Given>,
            Given: Gives,
            $($part: Takes),*
        {
            fn describe(sheet: &mut Sheet<'_>) {
                $($part::takes(sheet);)*
                Given::gives(sheet);
            }
        }
    };
}

described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);

impl<'a> Sheet<'a> {
    pub(super) fn new(inputs: &'a mut SchemaGenerator, outputs: &'a mut SchemaGenerator) -> Self {
        Self {
            inputs,
            outputs,
            path: vec![],
            query: None,
            headers: vec![],
            body: None,
            replies: BTreeMap::new(),
            may_fail: false,
        }
    }

    /// The body is text of this medium.
    pub(crate) fn takes_text(&mut self, medium: &'static str) {
        self.body = Some((medium, json!({"type": "string"})));
    }

    /// The body is JSON whose shape others describe.
    pub(crate) fn takes_any_json(&mut self) {
        self.body = Some(("application/json", json!({})));
    }

    /// A reply of this status, with a JSON body of type `T`.
    pub(crate) fn reply_json<T: JsonSchema>(&mut self, status: u16, words: &'static str) {
        let schema = self.outputs.subschema_for::<T>().to_value();
        self.reply(status, words, Some(("application/json", schema)));
    }

    /// A reply of this status, with this medium and schema.
    pub(crate) fn reply(
        &mut self,
        status: u16,
        words: &'static str,
        content: Option<(&'static str, Value)>,
    ) {
        self.replies.insert(status, Reply { words, content });
    }

    /// A header that is read if it is there.
    pub(crate) fn header(&mut self, name: &'static str, words: &'static str) {
        self.headers.push((name, words));
    }

    /// An error of the API, besides those replies.
    pub(crate) fn may_fail(&mut self) {
        self.may_fail = true;
    }
}

/// What no caller sees.
macro_rules! takes_nothing {
    ($($part:ty),*) => {$(
        impl Takes for $part {
            fn takes(_: &mut Sheet<'_>) {}
        }
    )*};
}

takes_nothing!(State<App>, Extension<Caller>, Client);

impl<T: JsonSchema> Takes for Json<T> {
    fn takes(sheet: &mut Sheet<'_>) {
        let schema = sheet.inputs.subschema_for::<T>().to_value();
        sheet.body = Some(("application/json", schema));
    }
}

impl Takes for Body {
    fn takes(sheet: &mut Sheet<'_>) {
        sheet.body = Some(("text/csv", json!({"type": "string"})));
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn takes(sheet: &mut Sheet<'_>) {
        sheet.query = Some(T::json_schema(sheet.inputs));
    }
}

/// Several parameters come as a tuple, in the order of the path.
impl<T: JsonSchema> Takes for Path<T> {
    fn takes(sheet: &mut Sheet<'_>) {
        let schema = sheet.inputs.subschema_for::<T>().to_value();
        sheet.path = match schema.get("prefixItems").and_then(Value::as_array) {
            Some(parts) => parts.clone(),
            None => vec![schema],
        };
    }
}

impl<T: JsonSchema> Gives for axum::Json<T> {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.reply_json::<T>(200, "OK.");
    }
}

impl Gives for &'static str {
    fn gives(sheet: &mut Sheet<'_>) {
        let schema = json!({"type": "string"});
        sheet.reply(200, "OK.", Some(("text/plain", schema)));
    }
}

impl<T: Gives, E: Gives> Gives for Result<T, E> {
    fn gives(sheet: &mut Sheet<'_>) {
        T::gives(sheet);
        E::gives(sheet);
    }
}

impl Gives for ApiError {
    fn gives(sheet: &mut Sheet<'_>) {
        sheet.may_fail();
    }
}

/// Members of an object, moved out of its schema.
pub(super) fn members(schema: Schema) -> (Map<String, Value>, Vec<String>) {
    let mut schema = schema.to_value();
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten();
    let required = required.filter_map(Value::as_str).map(Into::into).collect();
    let members = match schema.get_mut("properties").map(Value::take) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    (members, required)
}
