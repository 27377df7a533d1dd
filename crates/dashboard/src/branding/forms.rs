//! The forms of the look and of the theme, and the theme to begin with.

use serde_json::{Value, json};

use crate::form::{Kind, Spec, control};

/// The path of themes; a tenant has one or none.
pub(super) const THEMES: &str = "/branding/themes";

pub(super) static LOOK: Spec = Spec {
    id: "look",
    title: "Colours and pictures",
    intro: "",
    controls: &[
        control("colors.primary", "Colour of buttons and links", Kind::Text)
            .mono()
            .nullable()
            .hint("Such as #3552d4."),
        control("colors.page_background", "Colour behind the card", Kind::Text).mono().nullable(),
        control("logo_url", "Logo", Kind::Text).mono().nullable().hint("Its https address."),
        control("favicon_url", "Icon of the browser's tab", Kind::Text).mono().nullable(),
    ],
    submit: "Save look",
};

const SIDES: &[(&str, &str)] = &[("left", "Left"), ("center", "Centre"), ("right", "Right")];
const LOGO: &[(&str, &str)] = &[("left", "Left"), ("center", "Centre"), ("right", "Right"), ("none", "None")];
const CORNERS: &[(&str, &str)] = &[("sharp", "Sharp"), ("rounded", "Rounded"), ("pill", "Round")];

pub(super) static THEME: Spec = Spec {
    id: "theme",
    title: "Theme",
    intro: "Comes last, so it counts, by day and by night alike.",
    controls: &[
        control("colors.primary_button", "Button", Kind::Text).mono().required(),
        control("colors.primary_button_label", "Text on the button", Kind::Text).mono().required(),
        control("colors.links_focused_components", "Links", Kind::Text).mono().required(),
        control("colors.widget_background", "Card", Kind::Text).mono().required(),
        control("colors.header", "Title", Kind::Text).mono().required(),
        control("colors.body_text", "Text", Kind::Text).mono().required(),
        control("colors.input_background", "Fields", Kind::Text).mono().required(),
        control("page_background.background_color", "Behind the card", Kind::Text).mono().required(),
        control("page_background.background_image_url", "Picture behind the card", Kind::Text)
            .mono()
            .hint("Its https address."),
        control("page_background.page_layout", "Place of the card", Kind::Choice(SIDES)),
        control("widget.logo_url", "Logo", Kind::Text).mono().hint("Instead of the one above."),
        control("widget.logo_height", "Height of the logo", Kind::Number).required().hint("1 to 100 pixels."),
        control("widget.logo_position", "Place of the logo", Kind::Choice(LOGO)),
        control("widget.header_text_alignment", "Place of the title", Kind::Choice(SIDES)),
        control("borders.buttons_style", "Corners of buttons", Kind::Choice(CORNERS)),
        control("borders.inputs_style", "Corners of fields", Kind::Choice(CORNERS)),
        control("borders.widget_corner_radius", "Corners of the card", Kind::Number)
            .required()
            .hint("0 to 50 pixels."),
        control("borders.show_widget_shadow", "The card has a shadow", Kind::Toggle),
    ],
    submit: "Save theme",
};

pub(super) static BEGIN: Spec = Spec {
    id: "begin",
    title: "Theme",
    intro: "Sets every colour, corners, places and a picture, the same by day and by night.",
    controls: &[],
    submit: "Begin a theme",
};

pub(super) static REMOVE: Spec = Spec {
    id: "no-theme",
    title: "Do without a theme",
    intro: "Its colours and places are lost.",
    controls: &[],
    submit: "Delete theme",
};

/// A theme that looks like the pages by day, with the tenant's colour.
pub(super) fn starter(branding: &Value) -> Value {
    let accent = branding["colors"]["primary"].as_str().unwrap_or("#3552d4");
    let page = branding["colors"]["page_background"].as_str().unwrap_or("#f6f7f9");
    let font = |bold: bool, size: u32| json!({"bold": bold, "size": size});
    json!({
        "displayName": "Theme",
        "borders": {
            "button_border_radius": 8, "button_border_weight": 1, "buttons_style": "rounded",
            "input_border_radius": 8, "input_border_weight": 1, "inputs_style": "rounded",
            "show_widget_shadow": true, "widget_border_weight": 1, "widget_corner_radius": 12,
        },
        "colors": {
            "body_text": "#15181e", "error": "#a8201a", "header": "#15181e", "icons": "#15181e",
            "input_background": "#ffffff", "input_border": "#80889a", "input_filled_text": "#15181e",
            "input_labels_placeholders": "#565d6b", "links_focused_components": accent, "primary_button": accent,
            "primary_button_label": "#ffffff", "secondary_button_border": "#80889a",
            "secondary_button_label": "#15181e", "success": "#1c6b3c", "widget_background": "#ffffff",
            "widget_border": "#dcdfe5",
        },
        "fonts": {
            "body_text": font(false, 100), "buttons_text": font(true, 100), "font_url": "",
            "input_labels": font(true, 100), "links": font(false, 100), "links_style": "underlined",
            "reference_text_size": 16, "subtitle": font(false, 100), "title": font(true, 150),
        },
        "page_background": {"background_color": page, "background_image_url": "", "page_layout": "center"},
        "widget": {
            "header_text_alignment": "left", "logo_height": 40, "logo_position": "left", "logo_url": "",
            "social_buttons_layout": "bottom",
        },
    })
}
