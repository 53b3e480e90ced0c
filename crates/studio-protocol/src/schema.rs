//! What the types that write themselves by hand look like in JSON.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ArrayBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{Feature, FeatureSet, FileRole, Timestamp};

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("UTC, with milliseconds"))
            .into()
    }
}

impl ToSchema for Timestamp {
    fn name() -> Cow<'static, str> {
        "Timestamp".into()
    }
}

impl PartialSchema for FeatureSet {
    fn schema() -> RefOr<Schema> {
        let word = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Feature::ALL.map(Feature::as_str)))
            .build();
        ArrayBuilder::new().items(word).into()
    }
}

impl ToSchema for FeatureSet {
    fn name() -> Cow<'static, str> {
        "FeatureSet".into()
    }
}

impl PartialSchema for FileRole {
    fn schema() -> RefOr<Schema> {
        // Newer studios know further words.
        let mut role = Object::with_type(Type::String);
        role.description =
            Some("`model`, `vae`, `text-encoder`, ...: what the file is to its engine".to_owned());
        role.into()
    }
}

impl ToSchema for FileRole {
    fn name() -> Cow<'static, str> {
        "FileRole".into()
    }
}
