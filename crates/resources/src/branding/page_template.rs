//! A tenant's own page around the login forms: `/branding/templates/universal-login`. It is stored and not
//! rendered.

use serde_json::{Value, json};

use crate::engine::field::{Field, Shape, field};
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{Answer, ApiError, Handler, Input, Map, Method, OpCx, Operation, Resource, Settings};

const PATH: &str = "/branding/templates/universal-login";
const FIELDS: &[Field] = &[field("template", Shape::text(0, 102_400)).required()];

/// The page, as `body`.
static TEMPLATE: Settings = Settings::plain("branding/page-template", PATH, &[], || json!({}));

/// The page template.
pub static RESOURCE: Resource = Resource {
    name: "branding",
    operations: &[
        Operation::new(
            "get_universal_login",
            Method::Get,
            PATH,
            "Get template for New Universal Login Experience",
            &["read:branding"],
            Handler::Custom(read),
        ),
        Operation::new(
            "put_universal_login",
            Method::Put,
            PATH,
            "Set template for New Universal Login Experience",
            &["update:branding"],
            Handler::Custom(set),
        )
        .body(FIELDS, Purpose::Create)
        .or_text("template")
        .success(204)
        .writes_config(),
        Operation::new(
            "delete_universal_login",
            Method::Delete,
            PATH,
            "Delete template for New Universal Login Experience",
            &["delete:branding"],
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
    ],
};

async fn stored(cx: &mut OpCx<'_>) -> Result<Map, ApiError> {
    Ok(TEMPLATE.find(cx.tx, &cx.request.tenant, &cx.request.master_key).await?)
}

fn read<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let template = stored(cx).await?;
        if template.is_empty() {
            return Err(ApiError::new(404, "There is no template for the New Universal Login Experience.")
                .code("inexistent_templates_universal_login"));
        }
        Ok(template.into())
    })
}

/// Whether Liquid's tag of this name is in the text, with white space as one likes.
fn has_tag(text: &str, name: &str) -> bool {
    text.split("{%").skip(1).any(|rest| {
        let tag = rest.split("%}").next().unwrap_or_default();
        tag.trim_start_matches('-').trim_end_matches('-').trim() == name
    })
}

fn set<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        let text = input.body.get("template").and_then(Value::as_str).unwrap_or_default();
        for tag in ["auth0:head", "auth0:widget"] {
            if !has_tag(text, tag) {
                return Err(ApiError::invalid_body(format_args!(
                    "'The tag {{%- {tag} -%}} is missing' on property template"
                )));
            }
        }
        let is_new = stored(cx).await?.is_empty();
        let template = Map::from_iter([("body".to_owned(), text.into())]);
        TEMPLATE.store(cx.tx, &cx.request.sealing(), template).await?;
        // Compat: 201 comes without the template.
        Ok(Answer { status: is_new.then_some(201), ..Answer::default() })
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, _: &'a Input) -> Run<'a> {
    Box::pin(async move {
        TEMPLATE.reset(cx.tx, &cx.request.tenant).await?;
        Ok(Answer::default())
    })
}
