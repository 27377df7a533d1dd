//! The theme of the hosted pages: colours, borders, fonts and places, in one object. A tenant has one or none.
//!
//! The pages take colours, corners, the logo and the background from it; the rest is stored without effect.

use serde_json::{Value, json};

use crate::engine::field::{BOOL, Field, Shape, field};
use crate::engine::format::Format;
use crate::engine::operation::Run;
use crate::engine::validate::Purpose;
use crate::engine::{
    Answer, ApiError, Handler, IdForm, Input, Map, Method, OpCx, Operation, Resource, Settings,
};

const COLOR: Shape = Shape::format(Format::ColorWithAlpha);
const URL: Shape = Shape::format(Format::HttpsUrlOrEmpty);
const STYLE: Shape = Shape::OneOf(&["pill", "rounded", "sharp"]);
const SIDE: Shape = Shape::OneOf(&["center", "left", "right"]);
const FONT: Shape = Shape::object(&[field("bold", BOOL).required(), field("size", Shape::Number).required()]);

const BORDERS: &[Field] = &[
    field("button_border_radius", Shape::Number).required(),
    field("button_border_weight", Shape::Number).required(),
    field("buttons_style", STYLE).required(),
    field("input_border_radius", Shape::Number).required(),
    field("input_border_weight", Shape::Number).required(),
    field("inputs_style", STYLE).required(),
    field("show_widget_shadow", BOOL).required(),
    field("widget_border_weight", Shape::Number).required(),
    field("widget_corner_radius", Shape::Number).required(),
];

const COLORS: &[Field] = &[
    field("base_focus_color", COLOR),
    field("base_hover_color", COLOR),
    field("body_text", COLOR).required(),
    field("captcha_widget_theme", Shape::OneOf(&["auto", "dark", "light"])),
    field("error", COLOR).required(),
    field("header", COLOR).required(),
    field("icons", COLOR).required(),
    field("input_background", COLOR).required(),
    field("input_border", COLOR).required(),
    field("input_filled_text", COLOR).required(),
    field("input_labels_placeholders", COLOR).required(),
    field("links_focused_components", COLOR).required(),
    field("primary_button", COLOR).required(),
    field("primary_button_label", COLOR).required(),
    field("read_only_background", COLOR),
    field("secondary_button_border", COLOR).required(),
    field("secondary_button_label", COLOR).required(),
    field("success", COLOR).required(),
    field("widget_background", COLOR).required(),
    field("widget_border", COLOR).required(),
];

const FONTS: &[Field] = &[
    field("body_text", FONT).required(),
    field("buttons_text", FONT).required(),
    field("font_url", URL).required(),
    field("input_labels", FONT).required(),
    field("links", FONT).required(),
    field("links_style", Shape::OneOf(&["normal", "underlined"])).required(),
    field("reference_text_size", Shape::Number).required(),
    field("subtitle", FONT).required(),
    field("title", FONT).required(),
];

const PAGE: &[Field] = &[
    field("background_color", COLOR).required(),
    field("background_image_url", URL).required(),
    field("page_layout", SIDE).required(),
];

const WIDGET: &[Field] = &[
    field("header_text_alignment", SIDE).required(),
    field("logo_height", Shape::Number).required(),
    field("logo_position", Shape::OneOf(&["center", "left", "none", "right"])).required(),
    field("logo_url", URL).required(),
    field("social_buttons_layout", Shape::OneOf(&["bottom", "top"])).required(),
];

const PHONE_DISPLAY: &[Field] = &[
    field("formatting", Shape::OneOf(&["international", "regional"])).required(),
    field("masking", Shape::OneOf(&["hide_country_code", "mask_digits", "show_all"])).required(),
];
const IDENTIFIERS: &[Field] = &[
    field("login_display", Shape::OneOf(&["separate", "unified"])).required(),
    field("otp_autocomplete", BOOL).required(),
    field("phone_display", Shape::object(PHONE_DISPLAY)).required(),
];

const FIELDS: &[Field] = &[
    field("borders", Shape::object(BORDERS)).required(),
    field("colors", Shape::object(COLORS)).required(),
    field("displayName", Shape::Text { min: 0, max: 2048, format: Format::NoAngleBracketsOrEmpty }),
    field("fonts", Shape::object(FONTS)).required(),
    field("page_background", Shape::object(PAGE)).required(),
    field("widget", Shape::object(WIDGET)).required(),
    field("identifiers", Shape::object(IDENTIFIERS)),
];

/// Numbers and what they may be, by their path.
const RANGES: &[(&str, f64, f64)] = &[
    ("borders.button_border_radius", 1.0, 10.0),
    ("borders.button_border_weight", 0.0, 10.0),
    ("borders.input_border_radius", 0.0, 10.0),
    ("borders.input_border_weight", 0.0, 3.0),
    ("borders.widget_border_weight", 0.0, 10.0),
    ("borders.widget_corner_radius", 0.0, 50.0),
    ("fonts.body_text.size", 0.0, 150.0),
    ("fonts.buttons_text.size", 0.0, 150.0),
    ("fonts.input_labels.size", 0.0, 150.0),
    ("fonts.links.size", 0.0, 150.0),
    ("fonts.reference_text_size", 12.0, 24.0),
    ("fonts.subtitle.size", 0.0, 150.0),
    ("fonts.title.size", 75.0, 150.0),
    ("widget.logo_height", 1.0, 100.0),
];

/// The tenant's theme; empty until there is one.
pub static THEME: Settings = Settings::plain("branding/theme", THEMES, FIELDS, || json!({}));

const ID: &str = "themeId";
const THEMES: &str = "/branding/themes";
const DEFAULT: &str = "/branding/themes/default";
const ITEM: &str = "/branding/themes/{themeId}";

/// `/branding/themes`.
pub static RESOURCE: Resource = Resource {
    name: "branding",
    operations: &[
        Operation::new(
            "post_branding_theme",
            Method::Post,
            THEMES,
            "Create branding theme",
            &["update:branding"],
            Handler::Custom(create),
        )
        .body(FIELDS, Purpose::Create)
        .writes_config(),
        Operation::new(
            "get_default_branding_theme",
            Method::Get,
            DEFAULT,
            "Get default branding theme",
            &["read:branding"],
            Handler::Custom(read),
        ),
        Operation::new(
            "get_branding_theme",
            Method::Get,
            ITEM,
            "Get branding theme",
            &["read:branding"],
            Handler::Custom(read),
        ),
        Operation::new(
            "patch_branding_theme",
            Method::Patch,
            ITEM,
            "Update branding theme",
            &["update:branding"],
            Handler::Custom(replace),
        )
        .body(FIELDS, Purpose::Create)
        .writes_config(),
        Operation::new(
            "delete_branding_theme",
            Method::Delete,
            ITEM,
            "Delete branding theme",
            &["delete:branding"],
            Handler::Custom(delete),
        )
        .success(204)
        .writes_config(),
    ],
};

async fn stored(cx: &mut OpCx<'_>) -> Result<Map, ApiError> {
    Ok(THEME.find(cx.tx, &cx.request.tenant, &cx.request.master_key).await?)
}

/// The theme that the path names: that of this id, or whichever there is.
async fn named(cx: &mut OpCx<'_>, input: &Input) -> Result<Map, ApiError> {
    let theme = stored(cx).await?;
    let wanted = input.param(ID);
    let found = theme.get(ID).and_then(Value::as_str).filter(|id| wanted.is_empty() || *id == wanted);
    match found {
        Some(_) => Ok(theme),
        None => Err(ApiError::new(
            404,
            "There was an error retrieving branding settings: the theme does not exist.",
        )
        .code("theme_not_found")),
    }
}

fn in_range(theme: &Map) -> Result<(), ApiError> {
    for (path, min, max) in RANGES {
        let (section, rest) = path.split_once('.').unwrap_or((path, ""));
        let place =
            theme.get(section).and_then(|section| section.pointer(&format!("/{}", rest.replace('.', "/"))));
        let Some(number) = place.and_then(Value::as_f64) else { continue };
        let problem = match number {
            number if number < *min => format!("'Value {number} is less than minimum {min}'"),
            number if number > *max => format!("'Value {number} is greater than maximum {max}'"),
            _ => continue,
        };
        return Err(ApiError::invalid_body(format_args!("{problem} on property {path}")));
    }
    Ok(())
}

async fn put(cx: &mut OpCx<'_>, input: &Input, id: String) -> Result<Answer, ApiError> {
    in_range(&input.body)?;
    let mut theme = input.body.clone();
    theme.entry("displayName").or_insert_with(|| "Unnamed Theme".into());
    theme.insert(ID.to_owned(), id.into());
    THEME.store(cx.tx, &cx.request.sealing(), theme.clone()).await?;
    Ok(theme.into())
}

fn create<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        if !stored(cx).await?.is_empty() {
            return Err(ApiError::conflict("The tenant has a theme already."));
        }
        put(cx, input, IdForm::Hex(32).draw(&cx.request.random)).await
    })
}

fn read<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move { Ok(named(cx, input).await?.into()) })
}

fn replace<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        named(cx, input).await?;
        put(cx, input, input.param(ID).to_owned()).await
    })
}

fn delete<'a>(cx: &'a mut OpCx<'_>, input: &'a Input) -> Run<'a> {
    Box::pin(async move {
        named(cx, input).await?;
        THEME.reset(cx.tx, &cx.request.tenant).await?;
        Ok(Answer::default())
    })
}

/// A theme that fits, with the primary button in this colour.
#[cfg(test)]
pub(crate) fn example(primary: &str) -> Value {
    let mut theme = Shape::object(FIELDS).example();
    theme["colors"]["primary_button"] = primary.into();
    theme["fonts"]["reference_text_size"] = 16.into();
    theme["fonts"]["title"]["size"] = 150.into();
    theme
}
