//! Settings of the hosted login pages: `/prompts`.

use serde_json::json;

use crate::engine::field::{BOOL, Field, Shape, field};
use crate::engine::{Resource, Settings};

const FIELDS: &[Field] = &[
    field("universal_login_experience", Shape::OneOf(&["new", "classic"])),
    field("identifier_first", BOOL),
    field("webauthn_platform_first_factor", BOOL).nullable(),
];

/// What the pages do.
pub static PROMPTS: Settings = Settings::plain("prompts", "/prompts", FIELDS, || {
    json!({
        "universal_login_experience": "new",
        "identifier_first": false,
        "webauthn_platform_first_factor": false,
    })
});

/// `/prompts`.
pub static RESOURCE: Resource = Resource {
    name: "prompts",
    operations: &[
        PROMPTS.reads("get_prompts", "Get prompt settings", &["read:prompts"]),
        PROMPTS.merges("patch_prompts", "Update prompt settings", &["update:prompts"]),
    ],
};

#[cfg(test)]
#[path = "prompts_tests.rs"]
mod tests;
