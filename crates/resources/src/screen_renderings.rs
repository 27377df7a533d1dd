//! `/prompts/rendering`: which hosted screens a tenant renders itself.
//!
//! None: the hosted pages have no such way, so nothing can be set, and the list is empty. Compat: the Deploy
//! CLI takes a list that is refused for a change to the prompts, each time it looks.

use crate::engine::field::{Field, SOME_TEXT, Shape, field};
use crate::engine::operation::Run;
use crate::engine::{Handler, Input, Method, OpCx, Operation, Resource};

const FILTERS: &[Field] = &[
    field("prompt", SOME_TEXT),
    field("screen", SOME_TEXT),
    field("rendering_mode", Shape::OneOf(&["standard", "advanced"])),
];

/// `/prompts/rendering`.
pub static RESOURCE: Resource = Resource {
    name: "prompts",
    operations: &[Operation::new(
        "get_all_rendering",
        Method::Get,
        "/prompts/rendering",
        "Get the screens that a tenant renders itself",
        &["read:prompts"],
        Handler::Custom(list),
    )
    .query(FILTERS)],
};

fn list<'a>(_: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(input.query.paging().offset_body("configs", Vec::new(), 0).into()) })
}
